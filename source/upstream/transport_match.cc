#include "source/upstream/transport_match.h"

#include <algorithm>

#include "source/upstream/host.h"

namespace weir::upstream {
namespace {

bool fits(const lb::Metadata& wanted, const lb::Metadata* noted) {
  return std::all_of(wanted.begin(), wanted.end(), [noted](const auto& pair) {
    return noted != nullptr && std::find(noted->begin(), noted->end(), pair) != noted->end();
  });
}

const TransportMatch* firstThatFits(const std::vector<TransportMatch>& matches, const lb::Metadata* noted) {
  const auto at = std::find_if(matches.begin(), matches.end(),
                               [noted](const TransportMatch& match) { return fits(match.wanted, noted); });
  return at == matches.end() ? nullptr : &*at;
}

}  // namespace

const TransportMatch* transportMatch(const std::vector<TransportMatch>& matches, const HostSpec& spec) {
  if (matches.empty()) return nullptr;
  const TransportMatch* const own = firstThatFits(matches, spec.transport_notes.get());
  return own != nullptr ? own : firstThatFits(matches, spec.locality_transport_notes.get());
}

}  // namespace weir::upstream
