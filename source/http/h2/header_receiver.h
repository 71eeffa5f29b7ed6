// HeaderReceiver: collects the header section that an HTTP/2 connection is receiving (there is never more than one),
// judges each field as it comes, by the rules of RFC 9113 section 8 and as strictly as HTTP/1 heads are, and counts
// before it stores. What was collected is copied into the arena of the stream once the section is whole. Owned by the
// codec; begin() before each section; holds no memory between sections.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/h2/options.h"
#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::http::h2 {

enum class Section : uint8_t { kRequest, kResponse, kTrailers };

class HeaderReceiver {
 public:
  HeaderReceiver(const H2Options& options, base::ChunkPool& chunks) : options_(options), arena_(chunks) {}

  void begin(Section section);
  // One field: kNone, or why the section is refused, named as for a request.
  Reason add(std::string_view name, std::string_view value);
  // The section is whole: kNone, or why it is refused. `ends`: nothing follows it.
  Reason finish(bool ends);
  // Fills `head` after a finish() that found nothing wrong.
  void copyTo(Head& head) const;
  HeaderMap& copyTrailers(base::Arena& arena) const;
  // Drops what was collected.
  void end();

  Section section() const { return section_; }
  uint16_t status() const { return status_; }
  // The request is a CONNECT, of the plain kind or with a protocol.
  bool tunnel() const { return method_ == "CONNECT"; }

 private:
  enum Pseudo : uint8_t {
    kMethod = 1,
    kScheme = 2,
    kAuthority = 4,
    kPath = 8,
    kProtocol = 16,
    kStatus = 32,
  };

  Reason addPseudo(std::string_view name, std::string_view value);
  Reason addRegular(HeaderId id, std::string_view name, std::string_view value);
  Reason addInTrailers(HeaderId id, std::string_view name, std::string_view value);
  Reason store(HeaderId id, std::string_view name, std::string_view value);
  Reason finishRequest(bool ends);
  Reason finishAuthority();
  Reason finishTarget();
  bool has(Pseudo pseudo) const { return (pseudo_ & pseudo) != 0; }

  const H2Options& options_;
  base::Arena arena_;
  HeaderMap* fields_ = nullptr;
  std::string_view method_;
  std::string_view scheme_;
  std::string_view authority_;
  std::string_view path_;
  std::string_view protocol_;
  std::optional<std::string_view> host_;
  std::optional<uint64_t> content_length_;
  uint64_t bytes_ = 0;
  uint32_t count_ = 0;
  uint32_t cookies_ = 0;
  uint16_t status_ = 0;
  Section section_ = Section::kRequest;
  uint8_t pseudo_ = 0;
  bool regular_seen_ = false;
  bool expects_continue_ = false;
};

// What an error of a request is called in a response.
Reason responseReason(Reason reason);

}  // namespace weir::http::h2
