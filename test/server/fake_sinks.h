// FakeSinks: LogSinks that keep lines in memory, by path. A path that begins with "/refused" cannot be opened.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/proxy/session_factory.h"

namespace weir::server {

class FakeSinks final : public proxy::LogSinks {
 public:
  absl::StatusOr<filter::LogSink*> open(std::string_view path) override;

  std::map<std::string, std::vector<std::string>> lines;  // by path; there once it was opened

 private:
  std::map<std::string, std::unique_ptr<filter::LogSink>> sinks_;
};

}  // namespace weir::server
