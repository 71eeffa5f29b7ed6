#include "source/extensions/filters/http/grpc_web/grpc_web.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "source/extensions/filters/http/grpc_web/base64.h"
#include "source/http/grpc.h"
#include "source/http/grpc_framing.h"

namespace weir::extensions::grpc_web {
namespace {

using http::HeaderId;

constexpr std::string_view kBinaryType = "application/grpc-web";
constexpr std::string_view kTextType = "application/grpc-web-text";
constexpr std::string_view kGrpcType = "application/grpc";
constexpr char kTrailerFlag = '\x80';

bool startsWith(std::string_view text, std::string_view lower_prefix) {
  if (text.size() < lower_prefix.size()) return false;
  for (size_t i = 0; i < lower_prefix.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] | 0x20) : text[i];
    if (c != lower_prefix[i]) return false;
  }
  return true;
}

// A media type of gRPC-Web, and what stands behind its name: "+proto", parameters, or nothing.
struct WebType {
  bool text;
  std::string_view suffix;
};

std::optional<WebType> webType(std::string_view type) {
  if (!startsWith(type, kBinaryType)) return std::nullopt;
  const bool text = startsWith(type, kTextType);
  const std::string_view suffix = type.substr(text ? kTextType.size() : kBinaryType.size());
  const bool ends = suffix.empty() || suffix[0] == '+' || suffix[0] == ';' || suffix[0] == ' ' || suffix[0] == ',';
  if (!ends) return std::nullopt;
  return WebType{text, suffix};
}

class GrpcWebFilter final : public filter::HttpFilter {
 public:
  filter::Verdict onRequestHead(http::Head& head) override;
  filter::Verdict onRequestData(buffer::Buffer& data) override;
  filter::Verdict onRequestEnd(filter::End& end) override;
  filter::Verdict onResponseHead(http::Head& head) override;
  filter::Verdict onResponseData(buffer::Buffer& data) override;
  filter::Verdict onResponseEnd(filter::End& end) override;

 private:
  filter::Verdict refuse();
  void encode(std::string_view bytes, buffer::Buffer& out);
  std::string_view trailerMessage(const http::HeaderMap& trailers);

  http::Head* request_ = nullptr;   // of gRPC-Web; null for others
  std::string_view original_type_;  // of it, as the client had it
  std::string_view suffix_;
  bool text_request_ = false;
  bool text_response_ = false;
  bool grpc_response_ = false;
  Base64Decoder decoder_;
  Base64Encoder encoder_;
  http::GrpcFraming framing_;
};

filter::Verdict GrpcWebFilter::onRequestHead(http::Head& head) {
  const auto type = head.headers.get(HeaderId::kContentType);
  const std::optional<WebType> web = type ? webType(*type) : std::nullopt;
  if (!web) return filter::Verdict::next();
  request_ = &head;
  original_type_ = *type;
  suffix_ = web->suffix;
  text_request_ = text_response_ = web->text;
  if (const auto accept = head.headers.get(HeaderId::kAccept)) {
    if (const std::optional<WebType> wanted = webType(*accept)) text_response_ = wanted->text;
  }
  head.headers.set(HeaderId::kContentType, head.arena().join(kGrpcType, suffix_));
  head.headers.set(HeaderId::kTe, "trailers");
  if (text_request_) head.content_length.reset();
  return filter::Verdict::next();
}

filter::Verdict GrpcWebFilter::onRequestData(buffer::Buffer& data) {
  if (!text_request_) return filter::Verdict::next();
  buffer::Buffer decoded(data.pool());
  bool good = true;
  data.forEachPiece([&](std::string_view piece) { return good = decoder_.decode(piece, decoded); });
  if (!good) return refuse();
  data = std::move(decoded);
  return filter::Verdict::next();
}

filter::Verdict GrpcWebFilter::onRequestEnd(filter::End&) {
  return text_request_ && !decoder_.complete() ? refuse() : filter::Verdict::next();
}

// A plain answer of HTTP: filters further out know nothing of gRPC.
filter::Verdict GrpcWebFilter::refuse() {
  request_->headers.set(HeaderId::kContentType, original_type_);
  auto* const reply = host().arena().make<filter::LocalReply>();
  reply->status = 400;
  reply->body = "The body of the gRPC-Web request is not valid base64.";
  return filter::Verdict::reply(*reply);
}

filter::Verdict GrpcWebFilter::onResponseHead(http::Head& head) {
  if (request_ == nullptr || head.isInterim()) return filter::Verdict::next();
  grpc_response_ = head.status == 200 && http::isGrpc(head);
  if (grpc_response_) {
    head.headers.set(HeaderId::kContentType, head.arena().join(text_response_ ? kTextType : kBinaryType, suffix_));
    head.content_length.reset();
  } else if (!head.headers.has(HeaderId::kGrpcStatus)) {
    const http::GrpcStatusName& name = http::grpcStatusName(http::grpcStatusFor(head.status, host().info().reason));
    head.headers.set(HeaderId::kGrpcStatus, name.number);
  }
  return filter::Verdict::next();
}

filter::Verdict GrpcWebFilter::onResponseData(buffer::Buffer& data) {
  if (!grpc_response_ || !text_response_) return filter::Verdict::next();
  buffer::Buffer encoded(data.pool());
  data.forEachPiece([&](std::string_view piece) {
    encode(piece, encoded);
    return true;
  });
  data = std::move(encoded);
  return filter::Verdict::next();
}

// Each message is a padded text of its own, so that the client can read it at once.
void GrpcWebFilter::encode(std::string_view bytes, buffer::Buffer& out) {
  while (!bytes.empty()) {
    const size_t taken = framing_.take(bytes);
    encoder_.encode(bytes.substr(0, taken), out);
    if (framing_.atBoundary()) encoder_.finish(out);
    bytes.remove_prefix(taken);
  }
}

filter::Verdict GrpcWebFilter::onResponseEnd(filter::End& end) {
  if (!grpc_response_) return filter::Verdict::next();
  if (text_response_) encoder_.finish(end.tail);
  if (end.trailers == nullptr) return filter::Verdict::next();
  host().mutableInfo().grpc_status = http::grpcStatusOf(*end.trailers);
  const std::string_view message = trailerMessage(*end.trailers);
  if (text_response_) {
    encoder_.encode(message, end.tail);
    encoder_.finish(end.tail);
  } else {
    end.tail.append(message);
  }
  end.trailers = nullptr;
  return filter::Verdict::next();
}

// The flag, the length, and "name: value" lines.
std::string_view GrpcWebFilter::trailerMessage(const http::HeaderMap& trailers) {
  constexpr size_t kPrefixBytes = 5;
  const size_t size = trailers.bytes() + 4 * trailers.size();
  char* const out = host().arena().allocateChars(kPrefixBytes + size);
  char* at = out;
  *at++ = kTrailerFlag;
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<char>(size >> shift & 0xff);
  const auto put = [&at](std::string_view text) { at += text.copy(at, text.size()); };
  for (const http::Field& field : trailers) {
    put(field.name);
    put(": ");
    put(field.value);
    put("\r\n");
  }
  return std::string_view(out, kPrefixBytes + size);
}

}  // namespace

filter::HttpFilterType grpcWebType() {
  filter::HttpFilterType type;
  type.config_type = envoy::extensions::filters::http::grpc_web::v3::GrpcWeb::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.grpc_web";
  type.make = [](const google::protobuf::Message&,
                 const filter::FactoryContext&) -> std::unique_ptr<filter::HttpFilterFactory> {
    return filter::factoryOf<GrpcWebFilter>();
  };
  return type;
}

}  // namespace weir::extensions::grpc_web
