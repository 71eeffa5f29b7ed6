// The fields of a head or of trailers as HTTP/2 has them, checked and encoded. Called by the streams; keeps nothing.
//
// A section is checked whole before the first field of it is encoded: what the encoder has added to its table must be
// sent.
#pragma once

#include <optional>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/h2/hpack_encoder.h"
#include "source/http/h2/session_memory.h"
#include "source/http/head.h"

namespace weir::http::h2 {

// The encoded section, in the scratch of `memory`. Nothing when a name, a value or a part of the start line is not
// valid: such a head must not be sent.
std::optional<std::string_view> encodeRequest(const Head& head, HpackEncoder& encoder, SessionMemory& memory);
// `status` is what is sent instead of the head's own.
std::optional<std::string_view> encodeResponse(const Head& head, uint16_t status, HpackEncoder& encoder,
                                               SessionMemory& memory);

// A copy of what may stand in trailers, null when there is nothing; no answer when something is not valid.
std::optional<const HeaderMap*> checkedTrailers(const HeaderMap& trailers, base::Arena& arena);
// Of what checkedTrailers() gave.
std::string_view encodeTail(const HeaderMap& trailers, HpackEncoder& encoder, SessionMemory& memory);

}  // namespace weir::http::h2
