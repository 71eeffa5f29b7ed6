// The header mutation filter: edits the heads of requests and responses at its place in the chain, local replies from
// further in included. First its own edits, then those of the route, from the most specific level to the least specific
// one, or the other way round when most_specific_header_mutations_wins is set.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::header_mutation {

filter::HttpFilterType headerMutationType();

}  // namespace weir::extensions::header_mutation
