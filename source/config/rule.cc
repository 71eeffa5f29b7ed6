#include "source/config/rule.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/base/strings.h"

namespace weir::config {
namespace {

// One `NAME: scalar` or `NAME { ... }`.
struct Item {
  std::string name;
  std::string scalar;
  std::vector<Item> items;
  bool group = false;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  absl::StatusOr<std::vector<Item>> parse(int depth) {
    std::vector<Item> out;
    for (skipSpace(); !rest_.empty() && rest_.front() != '}'; skipSpace()) {
      Item item;
      while (!rest_.empty() && (absl::ascii_isalnum(rest_.front()) || rest_.front() == '_')) item.name += take();
      skipSpace();
      if (item.name.empty() || rest_.empty() || depth > 8) return broken();
      const bool colon = rest_.front() == ':';
      if (colon) take();
      skipSpace();
      if (!rest_.empty() && rest_.front() == '{') {
        take();
        auto inner = parse(depth + 1);
        if (!inner.ok()) return inner.status();
        if (rest_.empty()) return broken();
        take();
        item.group = true;
        item.items = *std::move(inner);
      } else if (!colon || !scalar(item.scalar)) {
        return broken();
      }
      out.push_back(std::move(item));
    }
    if (depth == 0 && !rest_.empty()) return broken();
    return out;
  }

 private:
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  void skipSpace() {
    while (!rest_.empty() && absl::ascii_isspace(rest_.front())) take();
  }
  bool scalar(std::string& out) {
    if (!rest_.empty() && rest_.front() == '"') {
      take();
      std::string quoted;
      while (!rest_.empty() && rest_.front() != '"') {
        if (rest_.front() == '\\') quoted += take();
        if (rest_.empty()) return false;
        quoted += take();
      }
      if (rest_.empty()) return false;
      take();
      return absl::CUnescape(quoted, &out);
    }
    while (!rest_.empty() && !absl::ascii_isspace(rest_.front()) && rest_.front() != '}') out += take();
    return !out.empty();
  }
  absl::Status broken() const {
    return absl::InvalidArgumentError(absl::StrCat("broken rule text before '", base::av(rest_), "'"));
  }

  std::string_view rest_;
};

bool setSize(const Item& item, std::optional<size_t>& out) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(item.scalar, &number)) return false;
  out = number;
  return true;
}

bool setBound(const Item& item, std::optional<long double>& out) {
  if (item.group) {  // a duration
    long double sum = 0;
    for (const Item& part : item.items) {
      int64_t number = 0;
      if (!absl::SimpleAtoi(part.scalar, &number) || (part.name != "seconds" && part.name != "nanos")) return false;
      sum += part.name == "seconds" ? number : number / 1e9L;
    }
    out = sum;
    return true;
  }
  char* end = nullptr;
  out = std::strtold(item.scalar.c_str(), &end);
  return end != item.scalar.c_str() && *end == '\0';
}

bool setFlag(const Item& item, bool& out) {
  out = item.scalar == "true";
  return out || item.scalar == "false";
}

bool setString(const Item& item, Rule& rule) {
  if (item.name == "min_len") return setSize(item, rule.min_len);
  if (item.name == "max_len") return setSize(item, rule.max_len);
  if (item.name == "min_bytes") return setSize(item, rule.min_bytes);
  if (item.name == "max_bytes") return setSize(item, rule.max_bytes);
  if (item.name == "ignore_empty") return setFlag(item, rule.ignore_empty);
  if (item.name == "strict") return setFlag(item, rule.strict);
  if (item.name == "well_known_regex") {
    rule.header = item.scalar == "HTTP_HEADER_NAME" ? Rule::HeaderText::kName : Rule::HeaderText::kValue;
    return item.scalar == "HTTP_HEADER_NAME" || item.scalar == "HTTP_HEADER_VALUE";
  }
  if (item.name == "pattern") {
    rule.pattern = std::make_unique<RE2>(item.scalar, RE2::Quiet);
    return rule.pattern->ok();
  }
  if (item.name == "in") {
    rule.in.push_back(item.scalar);
    return !item.group;
  }
  return false;
}

bool setNumber(const Item& item, Rule& rule) {
  if (item.name == "gt") return setBound(item, rule.bounds.gt);
  if (item.name == "gte") return setBound(item, rule.bounds.gte);
  if (item.name == "lt") return setBound(item, rule.bounds.lt);
  if (item.name == "lte") return setBound(item, rule.bounds.lte);
  if (item.name == "ignore_empty") return setFlag(item, rule.ignore_empty);
  return false;
}

bool setEnum(const Item& item, Rule& rule) {
  if (item.name == "defined_only") return setFlag(item, rule.defined_only);
  int64_t number = 0;
  if (item.name != "not_in" || !absl::SimpleAtoi(item.scalar, &number)) return false;
  rule.not_in.push_back(number);
  return true;
}

bool setItem(std::string_view kind, const Item& item, Rule& rule);

bool setRepeated(const Item& item, Rule& rule) {
  if (item.name == "min_items") return setSize(item, rule.min_items);
  if (item.name == "max_items") return setSize(item, rule.max_items);
  if (item.name == "unique") return setFlag(item, rule.unique);
  if (item.name == "ignore_empty") return setFlag(item, rule.ignore_empty);
  if (item.name != "items" || !item.group) return false;
  rule.items = std::make_unique<Rule>();
  for (const Item& kind : item.items) {
    for (const Item& inner : kind.items) {
      if (!setItem(kind.name, inner, *rule.items)) return false;
    }
  }
  return true;
}

bool setItem(std::string_view kind, const Item& item, Rule& rule) {
  if (kind == "string" || kind == "bytes") return setString(item, rule);
  if (kind == "enum") return setEnum(item, rule);
  if (kind == "repeated") return setRepeated(item, rule);
  if (kind == "map") return item.name == "min_pairs" && setSize(item, rule.min_items);
  if (kind == "message" || (kind == "duration" && item.name == "required")) {
    return item.name == "required" && setFlag(item, rule.required);
  }
  if (kind == "bool") {
    bool flag = false;
    if (item.name != "const" || !setFlag(item, flag)) return false;
    rule.constant = flag;
    return true;
  }
  for (const char* number : {"duration", "uint32", "uint64", "int32", "int64", "double", "float"}) {
    if (kind == number) return setNumber(item, rule);
  }
  return false;
}

size_t characters(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

std::string shown(long double number) {
  if (number == std::trunc(number) && std::fabs(number) < 1.8e19L) {
    return number < 0 ? absl::StrCat(static_cast<int64_t>(number)) : absl::StrCat(static_cast<uint64_t>(number));
  }
  return absl::StrCat(static_cast<double>(number));
}

std::string badHeader(const Rule& rule, std::string_view text) {
  if (rule.header == Rule::HeaderText::kAny) return {};
  const bool name = rule.header == Rule::HeaderText::kName;
  const char* what = name ? "header name" : "header value";
  if (name && text.empty()) return "is empty; a header name has at least one character";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    bool wrong = byte == 0 || byte == '\r' || byte == '\n';
    if (rule.strict) {
      const bool token = absl::ascii_isalnum(byte) || std::string_view("!#$%&'*+-.^_|~`:").find(c) != std::string::npos;
      wrong = name ? !token : (byte < 0x20 && byte != '\t') || byte == 0x7F;
    }
    if (wrong) {
      return absl::StrCat("has the byte 0x", absl::Hex(byte, absl::kZeroPad2), "; a ", what,
                          " is free of NUL, CR and LF");
    }
  }
  return {};
}

}  // namespace

bool Bounds::holds(long double number) const {
  return !(gt && !(number > *gt)) && !(gte && !(number >= *gte)) && !(lt && !(number < *lt)) &&
         !(lte && !(number <= *lte));
}

std::string Bounds::words(std::string_view unit) const {
  const std::string u(unit);
  if (gte && lte) return absl::StrCat("from ", shown(*gte), u, " to ", shown(*lte), u);
  std::string low, high;
  if (gt) low = absl::StrCat("greater than ", shown(*gt), u);
  if (gte) low = absl::StrCat("at least ", shown(*gte), u);
  if (lt) high = absl::StrCat("less than ", shown(*lt), u);
  if (lte) high = absl::StrCat("at most ", shown(*lte), u);
  return absl::StrCat(low, low.empty() || high.empty() ? "" : " and ", high);
}

absl::StatusOr<Rule> parseRule(std::string_view text) {
  auto kinds = Parser(text).parse(0);
  if (!kinds.ok()) return kinds.status();
  Rule rule;
  for (const Item& kind : *kinds) {
    if (!kind.group) return absl::InvalidArgumentError(absl::StrCat("'", kind.name, "' is no kind of rule"));
    for (const Item& item : kind.items) {
      if (!setItem(kind.name, item, rule)) {
        return absl::InvalidArgumentError(absl::StrCat("unknown rule ", kind.name, ".", item.name));
      }
    }
  }
  return rule;
}

std::string brokenBy(const Rule& rule, std::string_view text) {
  if (text.empty() && rule.ignore_empty) return {};
  if (text.empty() && (rule.min_len.value_or(0) > 0 || rule.min_bytes.value_or(0) > 0)) {
    return "is missing or empty; it is required";
  }
  const size_t length = characters(text);
  if (rule.min_len && length < *rule.min_len) {
    return absl::StrCat("saw ", length, " characters; must be at least ", *rule.min_len);
  }
  if (rule.max_len && length > *rule.max_len) {
    return absl::StrCat("saw ", length, " characters; must be at most ", *rule.max_len);
  }
  if (rule.min_bytes && text.size() < *rule.min_bytes) {
    return absl::StrCat("saw ", text.size(), " bytes; must be at least ", *rule.min_bytes);
  }
  if (rule.max_bytes && text.size() > *rule.max_bytes) {
    return absl::StrCat("saw ", text.size(), " bytes; must be at most ", *rule.max_bytes);
  }
  if (rule.pattern && !RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *rule.pattern)) {
    return absl::StrCat("saw \"", base::av(text), "\"; must match ", rule.pattern->pattern());
  }
  if (!rule.in.empty() && std::find(rule.in.begin(), rule.in.end(), text) == rule.in.end()) {
    return absl::StrCat("saw \"", base::av(text), "\"; must be one of ", absl::StrJoin(rule.in, ", "));
  }
  return badHeader(rule, text);
}

std::string brokenBy(const Rule& rule, long double number, std::string_view unit) {
  if (rule.bounds.holds(number) || (number == 0 && rule.ignore_empty)) return {};
  return absl::StrCat("saw ", shown(number), base::av(unit), "; must be ", rule.bounds.words(unit));
}

}  // namespace weir::config
