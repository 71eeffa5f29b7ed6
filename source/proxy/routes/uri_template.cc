#include "source/proxy/routes/uri_template.h"

#include <re2/re2.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::proxy {
namespace {

constexpr size_t kMaxVariables = 5;
constexpr size_t kMaxName = 16;
// Whatever a path may hold: a class that leaves bytes out would let requests slip past the route.
constexpr std::string_view kSegment = "[^/]+";
constexpr std::string_view kRest = ".*";

bool isName(std::string_view text) {
  if (text.empty() || text.size() > kMaxName || !absl::ascii_isalpha(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<UriTemplate> parse() {
    if (!text_.starts_with('/')) return error(0, "a template begins with '/'");
    while (at_ < text_.size()) {
      if (absl::Status status = text_[at_] == '{' ? variable() : piece(text_.size()); !status.ok()) return status;
    }
    return std::move(out_);
  }

 private:
  absl::Status error(size_t at, std::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("not a path template: ", base::av(what), " (byte ", at, " of \"", base::av(text_), "\")"));
  }

  // One "*", "**" or literal byte that ends before `end`.
  absl::Status piece(size_t end) {
    const char c = text_[at_];
    if (c == '}' || c == '{') return error(at_, "a brace stands alone, or inside of another pair");
    if (c != '*') {
      if (c == '?' || c == '#') return error(at_, "templates are for paths; query_parameters match the query");
      out_.expression += RE2::QuoteMeta(re2::StringPiece(&text_[at_], 1));
      ++at_;
      return absl::OkStatus();
    }
    if (rest_seen_) return error(at_, "'**' must be the last operator");
    const bool rest = at_ + 1 < end && text_[at_ + 1] == '*';
    if (at_ > 0 && text_[at_ - 1] == '*') return error(at_, "more than two '*' in a row");
    out_.expression += rest ? kRest : kSegment;
    rest_seen_ = rest;
    at_ += rest ? 2 : 1;
    return absl::OkStatus();
  }

  absl::Status variable() {
    const size_t close = text_.find('}', at_);
    if (close == std::string_view::npos) return error(at_, "'{' is not closed");
    const size_t equals = std::min(text_.find('=', at_), close);
    const std::string_view name = text_.substr(at_ + 1, equals - at_ - 1);
    if (!isName(name)) return error(at_ + 1, "a name has 1 to 16 letters, digits and '_', and begins with a letter");
    if (std::find(out_.variables.begin(), out_.variables.end(), name) != out_.variables.end()) {
      return error(at_ + 1, "a name stands twice");
    }
    if (out_.variables.size() == kMaxVariables) return error(at_, "more than 5 variables");
    out_.variables.emplace_back(name);
    if (rest_seen_) return error(at_, "'**' must be the last operator");
    out_.expression += '(';
    if (equals == close) {
      out_.expression += kSegment;
    } else {
      at_ = equals + 1;
      if (at_ == close) return error(at_, "nothing behind '='");
      while (at_ < close) {
        if (absl::Status status = piece(close); !status.ok()) return status;
      }
    }
    out_.expression += ')';
    at_ = close + 1;
    return absl::OkStatus();
  }

  std::string_view text_;
  size_t at_ = 0;
  bool rest_seen_ = false;
  UriTemplate out_;
};

}  // namespace

absl::StatusOr<UriTemplate> parseUriTemplate(std::string_view text) { return Parser(text).parse(); }

absl::StatusOr<std::string> parseUriRewrite(std::string_view text, const UriTemplate& from) {
  std::string out;
  const auto error = [text](std::string_view what, std::string_view seen) {
    return absl::InvalidArgumentError(absl::StrCat("not a rewrite of a path template: ", base::av(what), " \"",
                                                   base::av(seen), "\" in \"", base::av(text), "\""));
  };
  if (!text.starts_with('/')) return error("a path begins with '/';", text.substr(0, 1));
  while (!text.empty()) {
    if (text[0] == '}' || text[0] == '*' || text[0] == '?' || text[0] == '#') {
      return error("not allowed here:", text.substr(0, 1));
    }
    if (text[0] != '{') {
      if (text[0] == '\\') out += '\\';
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    const size_t close = text.find('}');
    if (close == std::string_view::npos) return error("not closed:", text);
    const std::string_view name = text.substr(1, close - 1);
    const auto at = std::find(from.variables.begin(), from.variables.end(), name);
    if (at == from.variables.end()) return error("the template of the match has no variable", name);
    absl::StrAppend(&out, "\\", at - from.variables.begin() + 1);
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace weir::proxy
