// HeaderReceiver: collects the header section that an HTTP/2 connection is receiving (there is never more than one),
// judges each field as it comes, by the rules of RFC 9113 section 8 and as strictly as HTTP/1 heads are, and counts
// before it stores. Once the section is whole its text goes into the arena of the stream in one piece. Owned by the
// codec; begin() before each section; holds no memory between sections.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/h2/hpack_decoder.h"
#include "source/http/h2/hpack_field.h"
#include "source/http/h2/options.h"
#include "source/http/h2/session_memory.h"
#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::http::h2 {

enum class Section : uint8_t { kRequest, kResponse, kTrailers };

class HeaderReceiver {
 public:
  HeaderReceiver(const H2Options& options, SessionMemory& memory) : options_(options), memory_(memory) {}
  ~HeaderReceiver() { end(); }
  HeaderReceiver(const HeaderReceiver&) = delete;
  HeaderReceiver& operator=(const HeaderReceiver&) = delete;

  void begin(Section section);
  bool collecting() const { return part_ != nullptr; }
  // Between begin() and end(): where the decoder puts text.
  HpackText& text();
  // One field: kNone, or why the section is refused, named as for a request.
  Reason add(const HpackField& field);
  // The section is whole: kNone, or why it is refused. `ends`: nothing follows it.
  Reason finish(bool ends);
  // Fills `head` after a finish() that found nothing wrong.
  void copyTo(Head& head) const;
  HeaderMap& copyTrailers(base::Arena& arena) const;
  // Drops what was collected.
  void end();

  Section section() const;

 private:
  struct Collected;
  struct Text;

  Reason addPseudo(const HpackField& field);
  Reason addStatus(std::string_view value);
  Reason addRegular(const HpackField& field);
  Reason addInTrailers(const HpackField& field);
  Reason store(const HpackField& field);
  Reason finishRequest(bool ends);
  Reason finishAuthority();
  Reason finishTarget();
  void copyFields(HeaderMap& fields, const char* text) const;
  std::string_view joinCookies(base::Arena& arena, const char* text) const;

  const H2Options& options_;
  SessionMemory& memory_;
  Collected* part_ = nullptr;
};

// What an error of a request is called in a response.
Reason responseReason(Reason reason);

}  // namespace weir::http::h2
