// The part of an explanation that is about routes: the virtual host, each route that was tried, what the one that takes
// the request does with it, and the cluster with its hosts.
#pragma once

#include "source/server/explain/explain_context.h"
#include "source/server/explain/explain_note.h"

namespace weir::server {

// The text of the FieldPath of a route (not of a choice of weighted clusters).
std::string pathOfRoute(const ExplainContext& context, const proxy::Route& route);

void addVirtualHost(const ExplainContext& context, const proxy::RouteExplanation& explanation,
                    const http::Head& request, Note& root);
// `explanation` has a route.
void addAction(const ExplainContext& context, const proxy::RouteExplanation& explanation, const http::Head& request,
               Note& root);

}  // namespace weir::server
