// setLogPattern: how lines of the process's own log are written, in place of weir's own way. A pattern of spdlog: %v is
// the text of the event, %l its level, %n the name of the process's log, %t the thread; times are UTC. Beside these, %_
// is %v, and %j the text as it may stand between quotes in JSON. Implemented with the log in log.cc. Before other
// threads log; main thread.
#pragma once

#include <string>

namespace weir::base {

// Empty: weir's own way.
void setLogPattern(std::string pattern);

}  // namespace weir::base
