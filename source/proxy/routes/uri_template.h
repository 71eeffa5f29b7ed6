// Path templates ("/videos/{user}/*/{file=**}.m3u8"), as the xDS API's uri_template extensions write them, turned into
// regular expressions and substitutions at load. Free functions.
//
//   template  = *( "/" ) segments       "*"        one segment, or a part of one: any bytes but "/"; at least one
//   variable  = "{" name [ "=" p ] "}"  "**"       any bytes, "/" included, perhaps none; at most once, nothing but
//   p         = literals, "*", "**"                literal text behind it
//                                       "{name}"   "{name=*}"
//
// A name begins with a letter, goes on with letters, digits and "_", and has at most 16 bytes; five at most.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace weir::proxy {

struct UriTemplate {
  std::string expression;              // for the whole path; one group per variable
  std::vector<std::string> variables;  // in the order of their groups
};

// The error says what is wrong and at which byte.
absl::StatusOr<UriTemplate> parseUriTemplate(std::string_view text);

// The substitution ("/\\2/x") for a rewrite ("/{b}/x") of paths that the template has matched. The error names a
// variable that the template has not.
absl::StatusOr<std::string> parseUriRewrite(std::string_view text, const UriTemplate& from);

}  // namespace weir::proxy
