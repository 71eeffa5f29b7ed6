// The strict parser of HTTP/1 heads (RFC 9112): one contiguous text in, a Head and the facts of its framing out. The
// text is edited in place (names become lower case) and the Head looks into it, so both live in one arena. Called by
// the streams of a codec when HeadScanner has found the end; keeps nothing.
#pragma once

#include <span>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/h1/options.h"
#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::http::h1 {

// How the body is delimited, as far as the head alone tells; Head.content_length says the rest.
struct HeadFacts {
  bool chunked = false;
  // The sender keeps the connection after this message.
  bool keep_alive = false;
};

// `text` is a whole head with its empty line, in the arena of `head`, without an empty line at the front. kNone, or
// what the client did wrong; `head` is then of no use.
Reason parseRequestHead(std::span<char> text, const H1Options& options, Head& head, HeadFacts& facts);

// As above for a response. kUpstreamProtocol or kUpstreamHeadersTooLarge when it is refused.
Reason parseResponseHead(std::span<char> text, const H1Options& options, Head& head, HeadFacts& facts);

// What an error of the parsers and of HeadScanner, named as for a request, is called in a response.
Reason responseReason(Reason reason);

// A head like `head`, whose views into `text` look into a copy of it in `to` instead.
Head& moveHead(const Head& head, std::string_view text, base::Arena& to);

}  // namespace weir::http::h1
