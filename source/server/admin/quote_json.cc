#include "source/server/admin/quote_json.h"

#include "source/filter/json_text.h"

namespace weir::server {

std::string quoteJson(std::string_view text) {
  std::string out = "\"";
  filter::appendJsonEscaped(text, out);
  return out + '"';
}

}  // namespace weir::server
