// The part of an explanation that is about what holds for a request on its route: the filters with their effective
// configuration, the time-outs and the retries.
#pragma once

#include "source/server/explain/explain_context.h"
#include "source/server/explain/explain_note.h"

namespace weir::server {

void addFilters(const ExplainContext& context, const proxy::Route* route, Note& root);
// `action` of `route`, and the cluster that it names where it is known.
void addTimeouts(const ExplainContext& context, const proxy::Route& route, const proxy::ForwardAction& action,
                 Note& root);
void addRetries(const ExplainContext& context, const proxy::Route& route, const proxy::ForwardAction& action,
                Note& root);

}  // namespace weir::server
