#include "source/http/reason.h"

#include <cstddef>

namespace weir::http {
namespace {

constexpr ReasonInfo kInfos[] = {
    {Reason::kNone, "-", 0, "", ""},
#define WEIR_REASON(id, flag, status, name, sentence) {Reason::id, flag, status, name, sentence},
#include "source/http/reasons.inc"
#undef WEIR_REASON
};

}  // namespace

const ReasonInfo& reasonInfo(Reason reason) { return kInfos[static_cast<size_t>(reason)]; }

}  // namespace weir::http
