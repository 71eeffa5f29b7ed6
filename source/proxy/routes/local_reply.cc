#include "source/proxy/routes/local_reply.h"

#include <utility>

namespace weir::proxy {
namespace {

http::Head& headOf(filter::LocalReply& reply, base::Arena& arena) {
  if (reply.head == nullptr) reply.head = arena.make<http::Head>(arena);
  return *reply.head;
}

}  // namespace

void LocalReplyRules::write(const LocalReplyFormat& format, filter::LocalReply& reply, const filter::StreamInfo& info,
                            base::Arena& arena) const {
  std::string text;
  format.append(info, text);
  reply.body = arena.copy(text);
  headOf(reply, arena).headers.set(http::HeaderId::kContentType, format.content_type);
}

void LocalReplyRules::apply(filter::LocalReply& reply, filter::StreamInfo& info, base::Arena& arena) const {
  if (empty()) return;
  const uint16_t status_before = std::exchange(info.status, reply.status);
  const http::Reason reason_before = info.reason;
  if (info.reason == http::Reason::kNone) info.reason = reply.reason;
  info.local_reply_body = reply.body;
  const LocalReplyFormat* chosen = format ? &*format : nullptr;
  for (const LocalReplyMapper& mapper : mappers) {
    if (!mapper.passes(info)) continue;
    if (mapper.status) info.status = reply.status = *mapper.status;
    if (mapper.body) info.local_reply_body = reply.body = *mapper.body;
    if (!mapper.headers.empty()) mapper.headers.apply(headOf(reply, arena), info);
    if (mapper.format) chosen = &*mapper.format;
    break;
  }
  if (chosen != nullptr) write(*chosen, reply, info, arena);
  info.local_reply_body = {};
  info.status = status_before;
  info.reason = reason_before;
}

}  // namespace weir::proxy
