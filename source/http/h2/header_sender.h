// The fields of a head or of trailers in the form in which the library takes them: names and values stand where they
// are, the list itself in an arena; both must live until the frame is written. Called by the streams; keeps nothing.
#pragma once

#include <nghttp2/nghttp2.h>

#include <optional>
#include <span>

#include "source/base/arena.h"
#include "source/http/head.h"

namespace weir::http::h2 {

using Fields = std::span<const nghttp2_nv>;

// Nothing when a name, a value or a part of the start line is not valid: such a head must not be sent.
std::optional<Fields> requestFields(const Head& head, base::Arena& arena);
// `status` is what is sent instead of the head's own.
std::optional<Fields> responseFields(const Head& head, uint16_t status, base::Arena& arena);
// Copies the text too. Without those that may not stand in trailers.
std::optional<Fields> trailerFields(const HeaderMap& trailers, base::Arena& arena);

}  // namespace weir::http::h2
