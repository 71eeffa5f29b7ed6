#include "source/upstream/health/tcp_probe.h"

namespace weir::upstream::health {
namespace {

// What comes beyond it is not looked at for what is expected.
constexpr size_t kMostSeen = 64 * 1024;

}  // namespace

bool hasInOrder(std::string_view text, const std::vector<std::string>& pieces) {
  size_t from = 0;
  for (const std::string& piece : pieces) {
    const size_t at = text.find(piece, from);
    if (at == std::string_view::npos) return false;
    from = at + piece.size();
  }
  return true;
}

void TcpProbe::sendQuestion() {
  if (!check().send.empty()) {
    connection().output().append(check().send);
    connection().flush();
  }
  // Nothing is expected: that it is open is all there is to know. It is never kept, as it would prove nothing again.
  if (check().receive.empty()) answer(CheckResult::kPass, "", false);
}

void TcpProbe::onInput(buffer::Buffer& input, bool end) {
  seen_ += input.toString();
  input.clear();
  if (!asking()) {
    seen_.clear();
    if (end) close();
    return;
  }
  if (end && seen_.empty()) return broken("connection ended without an answer");
  if (hasInOrder(seen_, check().receive)) {
    seen_.clear();
    answer(CheckResult::kPass, "", !end);
  } else if (end || seen_.size() > kMostSeen) {
    answer(CheckResult::kFail, "the answer is not what is expected", false);
  }
}

}  // namespace weir::upstream::health
