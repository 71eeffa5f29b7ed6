// Redirects of an upstream that weir follows itself instead of the client: which ones a route allows, and what the
// request is then. Used by the Router, which sees the redirect, and by the Exchange, which then runs the request
// through its filters and routes anew, so that whoever guards a path guards it on this way too. Pure functions on one
// worker.
#pragma once

#include <array>
#include <cstdint>

#include "source/http/head.h"
#include "source/http/path.h"
#include "source/proxy/routes/route_table.h"
#include "source/proxy/routes/upstream_policy.h"

namespace weir::proxy {

// What an exchange remembers from one redirect to the next.
struct RedirectTrail {
  static constexpr uint32_t kMost = 16;  // whatever the configuration says
  uint32_t followed = 0;
  std::array<const Route*, kMost> routes{};  // that sent the request to an upstream
};

// The request to which `response` leads, in the arena of `request`, which is as it was before the route changed it;
// null when this one is not followed: another status, too many, no Location that can be understood, or refused by the
// policy. Only for requests whose body is at hand.
http::Head* followRedirect(const InternalRedirectPolicy& policy, const RedirectTrail& trail, const http::Head& request,
                           const http::Head& response, const http::PathOptions& paths);

// Whether the predicates of the policy allow the route that the redirected request would take (null: none matches).
bool mayRedirectTo(const InternalRedirectPolicy& policy, const RedirectTrail& trail, const Route* target);

// A copy in the same arena.
http::Head* copyRequest(const http::Head& from, base::Arena& arena);

}  // namespace weir::proxy
