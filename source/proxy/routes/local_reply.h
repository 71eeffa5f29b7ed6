// LocalReplyRules: how the answers that weir makes itself look: the first mapper whose condition an answer meets
// changes its status, body and headers, and a format makes the body out of what is known of the exchange. Compiled at
// load from local_reply_config, immutable, shared by workers. Used by the Exchange for the replies of filters and
// failures, and by the Router for redirects and direct responses.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/arena.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_info.h"
#include "source/proxy/routes/header_edits.h"

namespace weir::proxy {

struct LocalReplyFormat {
  std::function<void(const filter::StreamInfo& info, std::string& out)> append;
  std::string content_type;
};

struct LocalReplyMapper {
  std::function<bool(const filter::StreamInfo& info)> passes;
  std::optional<uint16_t> status;
  std::optional<std::string> body;
  std::optional<LocalReplyFormat> format;
  HeaderEdits headers;
};

class LocalReplyRules {
 public:
  std::vector<LocalReplyMapper> mappers;
  std::optional<LocalReplyFormat> format;  // where the mapper has none

  bool empty() const { return mappers.empty() && !format; }
  // Changes the reply in place. New text is in the arena. The rules see the reply as the status and the body of `info`,
  // which is as before afterwards.
  void apply(filter::LocalReply& reply, filter::StreamInfo& info, base::Arena& arena) const;

 private:
  void write(const LocalReplyFormat& format, filter::LocalReply& reply, const filter::StreamInfo& info,
             base::Arena& arena) const;
};

}  // namespace weir::proxy
