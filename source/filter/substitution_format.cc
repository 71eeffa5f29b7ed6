// The grammar:
//
//   format   = *( literal / "%%" / "%" operator "%" )
//   operator = NAME [ "(" argument ")" ] [ ":" max-length ]
#include "source/filter/substitution_format.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/filter/format_operator.h"
#include "source/filter/json_text.h"

namespace weir::filter {

struct SubstitutionFormat::Segment {
  std::string literal;  // when there is no operator
  FormatOperator op;
};

namespace {

using base::av;

absl::Status at(size_t offset, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("at offset ", offset, ": ", av(what)));
}

// What stands between two percent signs.
absl::StatusOr<FormatOperator> parseOperator(std::string_view text, size_t offset) {
  const size_t name_end = text.find_first_of("(:");
  const std::string_view name = text.substr(0, name_end);
  std::string_view rest = name_end == std::string_view::npos ? "" : text.substr(name_end);
  std::string_view argument;
  const bool has_argument = !rest.empty() && rest[0] == '(';
  if (has_argument) {
    const size_t close = rest.rfind(')');
    if (close == std::string_view::npos) return at(offset, "a command operator has no closing parenthesis");
    argument = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
  }
  absl::StatusOr<FormatOperator> op = findFormatOperator(name, has_argument, argument);
  if (!op.ok()) return at(offset, base::sv(op.status().message()));
  if (rest.empty()) return op;
  const std::string_view length = rest.substr(1);
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), op->max_length);
  if (rest[0] != ':' || error != std::errc() || end != length.data() + length.size() || op->max_length == 0) {
    return at(offset, absl::StrCat("\"", av(rest), "\" after ", av(name),
                                   " is not a maximum length; allowed is \":\" and a number above 0"));
  }
  return op;
}

// Where the operator that begins behind `from` ends: the percent sign outside parentheses.
size_t operatorEnd(std::string_view format, size_t from) {
  bool inside = false;
  for (size_t i = from; i < format.size(); ++i) {
    if (format[i] == '(') inside = true;
    if (format[i] == ')') inside = false;
    if (format[i] == '%' && !inside) return i;
  }
  return std::string_view::npos;
}

}  // namespace

SubstitutionFormat::SubstitutionFormat() = default;
SubstitutionFormat::~SubstitutionFormat() = default;

absl::StatusOr<std::unique_ptr<const SubstitutionFormat>> SubstitutionFormat::parse(std::string_view format,
                                                                                    bool omit_empty_values) {
  std::unique_ptr<SubstitutionFormat> parsed(new SubstitutionFormat());
  parsed->omit_empty_ = omit_empty_values;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) parsed->segments_.push_back({std::exchange(literal, ""), {}});
  };
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      literal += format[i];
      continue;
    }
    if (format.substr(i, 2) == "%%") {
      literal += '%';
      ++i;
      continue;
    }
    const size_t end = operatorEnd(format, i + 1);
    if (end == std::string_view::npos) return at(i, "a command operator has no closing percent sign");
    absl::StatusOr<FormatOperator> op = parseOperator(format.substr(i + 1, end - i - 1), i);
    if (!op.ok()) return op.status();
    flush();
    parsed->segments_.push_back({"", *std::move(op)});
    i = end;
  }
  flush();
  return parsed;
}

void SubstitutionFormat::append(const StreamInfo& info, std::string& out) const {
  for (const Segment& segment : segments_) {
    if (segment.op.write == nullptr) {
      out += segment.literal;
    } else if (!segment.op.append(info, out) && !omit_empty_) {
      out += '-';
    }
  }
}

bool SubstitutionFormat::isPlain() const {
  return segments_.empty() || (segments_.size() == 1 && segments_[0].op.write == nullptr);
}

void SubstitutionFormat::wantFilterTimes(FilterTimesWanted& wanted) const {
  for (const Segment& segment : segments_) {
    if (segment.op.arity == FormatOperator::Arity::kFilter) wanted.names.push_back(segment.op.text);
  }
}

void SubstitutionFormat::appendJson(const StreamInfo& info, std::string& out) const {
  const size_t before = out.size();
  const bool single = segments_.size() == 1 && segments_[0].op.write != nullptr;
  const bool number = single && segments_[0].op.number;
  if (!number) out += '"';
  const size_t start = out.size();
  if (!single) {
    append(info, out);
  } else if (!segments_[0].op.append(info, out)) {
    out.resize(before);
    out += "null";
    return;
  }
  if (number) return;
  const std::string_view text = std::string_view(out).substr(start);
  if (needsJsonEscape(text)) {
    const std::string raw(text);
    out.resize(start);
    appendJsonEscaped(raw, out);
  }
  out += '"';
}

}  // namespace weir::filter
