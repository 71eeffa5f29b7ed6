#include "source/extensions/plugins/fields.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "source/base/strings.h"
#include "source/extensions/plugins/abi.h"
#include "source/http/field_rules.h"
#include "source/http/scan.h"

namespace weir::extensions::plugins {
namespace {

constexpr std::string_view kLength = "content-length";

bool isValue(std::string_view value) {
  return http::findOutside(http::kValueBytes, value) == value.size() &&
         (value.empty() ||
          (value.front() != ' ' && value.front() != '\t' && value.back() != ' ' && value.back() != '\t'));
}

std::string lower(std::string_view name) { return absl::AsciiStrToLower(base::av(name)); }

}  // namespace

bool fieldAllowed(std::string_view name, std::string_view value) {
  if (name.empty() || http::findOutside(http::kTokenBytes, name) != name.size() || !isValue(value)) return false;
  const std::string key = lower(name);
  return !http::contains(http::kNotInRequests, http::headerId(key)) && !http::isProxyField(key);
}

void FieldSet::list(weir_field* out) const {
  for (const http::Field& field : map()) *out++ = {text(field.name), text(field.value)};
}

std::optional<std::string_view> FieldSet::get(std::string_view lower_name) const {
  if (head_ != nullptr) return head_->value(lower_name);
  return map_->joined(lower_name);
}

weir_result FieldSet::setPseudo(std::string_view name, std::string_view value) {
  if (head_ == nullptr) return WEIR_INVALID;
  base::Arena& arena = head_->arena();
  if (!head_->isRequest()) {
    uint32_t status = 0;
    if (name != ":status" || !absl::SimpleAtoi(base::av(value), &status) || status < 200 || status > 599) {
      return WEIR_INVALID;
    }
    if (head_->isInterim() || head_->status == 101) return WEIR_INVALID;
    head_->status = static_cast<uint16_t>(status);
    return WEIR_OK;
  }
  const bool target = !value.empty() && http::findOutside(http::kTargetBytes, value) == value.size();
  if (name == ":path") {
    if (!target || head_->isConnect() || (value.front() != '/' && value != "*")) return WEIR_INVALID;
    head_->path = arena.copy(value);
  } else if (name == ":authority") {
    if (!target) return WEIR_INVALID;
    head_->authority = arena.copy(value);
  } else if (name == ":method") {
    const bool token = !value.empty() && http::findOutside(http::kTokenBytes, value) == value.size();
    if (!token || head_->isConnect() || value == "CONNECT") return WEIR_INVALID;
    head_->method = arena.copy(value);
  } else if (name == ":scheme") {
    if (value != "http" && value != "https") return WEIR_INVALID;
    head_->scheme = arena.copy(value);
  } else {
    return WEIR_INVALID;
  }
  return WEIR_OK;
}

weir_result FieldSet::set(std::string_view name, std::string_view value) {
  if (!writable_) return WEIR_TOO_LATE;
  if (name.starts_with(':')) return setPseudo(name, value);
  if (head_ != nullptr && http::equalsLower(name, kLength)) {
    const auto length = http::parseContentLength(value);
    if (!length) return WEIR_INVALID;
    head_->content_length = *length;
    return WEIR_OK;
  }
  if (head_ != nullptr && head_->isRequest() && http::equalsLower(name, "host")) return setPseudo(":authority", value);
  if (!fieldAllowed(name, value)) return WEIR_INVALID;
  map_->set(name, value);
  return WEIR_OK;
}

weir_result FieldSet::append(std::string_view name, std::string_view value) {
  if (!writable_) return WEIR_TOO_LATE;
  if (!fieldAllowed(name, value)) return WEIR_INVALID;
  map_->add(name, value);
  return WEIR_OK;
}

weir_result FieldSet::remove(std::string_view name) {
  if (!writable_) return WEIR_TOO_LATE;
  if (name.starts_with(':')) return WEIR_INVALID;
  if (head_ != nullptr && http::equalsLower(name, kLength)) {
    if (!head_->content_length) return WEIR_NOT_FOUND;
    head_->content_length.reset();
    return WEIR_OK;
  }
  return map_->remove(lower(name)) > 0 ? WEIR_OK : WEIR_NOT_FOUND;
}

}  // namespace weir::extensions::plugins
