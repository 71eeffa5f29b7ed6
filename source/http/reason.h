// Reason: the one closed list of the ways in which weir answers or ends an exchange by itself (law 19). Each has the
// flag that access logs show, a name for counters and logs (%RESPONSE_CODE_DETAILS%), the status it is answered with
// where weir can still answer, and one sentence of documentation. The list is reasons.inc.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::http {

enum class Reason : uint8_t {
  kNone,
#define WEIR_REASON(id, flag, status, name, sentence) id,
#include "source/http/reasons.inc"
#undef WEIR_REASON
};

struct ReasonInfo {
  Reason reason;
  std::string_view flag;      // as in Envoy's %RESPONSE_FLAGS%; "-" where it has none
  uint16_t status;            // of the local reply; 0 where nothing is answered
  std::string_view name;      // snake_case
  std::string_view sentence;  // what happened, for docs and the admin page
};

// kNone has flag "-", status 0 and an empty name.
const ReasonInfo& reasonInfo(Reason reason);

}  // namespace weir::http
