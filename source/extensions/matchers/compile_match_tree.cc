#include "source/extensions/matchers/compile_match_tree.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/matching/input_matchers/ip/v3/ip.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/messages/unpack_any.h"
#include "xds/core/v3/core.pb.h"
#include "xds/type/matcher/v3/matcher.pb.h"

namespace weir::extensions {
namespace {

namespace api = xds::type::matcher::v3;
using Extension = xds::core::v3::TypedExtensionConfig;
using PredicateForm = api::Matcher::MatcherList::Predicate;
using InputKind = MatchInput::Kind;
using HeaderInput = envoy::type::matcher::v3::HttpRequestHeaderMatchInput;
using IpMatcher = envoy::extensions::matching::input_matchers::ip::v3::Ip;

struct InputName {
  std::string_view type;
  InputKind kind;
};
constexpr InputName kInputs[] = {
    {"envoy.extensions.matching.common_inputs.network.v3.DestinationIPInput", InputKind::kDestinationIp},
    {"envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput", InputKind::kDestinationPort},
    {"envoy.extensions.matching.common_inputs.network.v3.SourceIPInput", InputKind::kSourceIp},
    {"envoy.extensions.matching.common_inputs.network.v3.SourcePortInput", InputKind::kSourcePort},
    {"envoy.extensions.matching.common_inputs.network.v3.DirectSourceIPInput", InputKind::kDirectSourceIp},
    {"envoy.extensions.matching.common_inputs.network.v3.ServerNameInput", InputKind::kServerName},
    {"envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput", InputKind::kUriSan},
    {"envoy.extensions.matching.common_inputs.ssl.v3.DnsSanInput", InputKind::kDnsSan},
    {"envoy.extensions.matching.common_inputs.ssl.v3.SubjectInput", InputKind::kSubject},
};

class Compiler {
 public:
  explicit Compiler(const MatchTreeContext& context) : context_(context) {}

  std::unique_ptr<const MatchTree> tree(const api::Matcher& message, const base::FieldPath& path) {
    auto made = std::make_unique<MatchTree>();
    const base::FieldPath list = path.at("matcher_list");
    for (int i = 0; i < message.matcher_list().matchers_size(); ++i) {
      const auto& one = message.matcher_list().matchers(i);
      const base::FieldPath at = list.at("matchers", static_cast<size_t>(i));
      MatchTree::Branch branch;
      branch.predicate = predicate(one.predicate(), at.at("predicate"));
      branch.on_match = onMatch(one.on_match(), at.at("on_match"));
      made->list.push_back(std::move(branch));
    }
    if (message.has_matcher_tree()) branches(message.matcher_tree(), path.at("matcher_tree"), *made);
    if (message.has_on_no_match()) made->on_no_match = onMatch(message.on_no_match(), path.at("on_no_match"));
    return made;
  }

 private:
  void branches(const api::Matcher::MatcherTree& message, const base::FieldPath& path, MatchTree& made) {
    made.input = input(message.input(), path.at("input"));
    made.by_prefix = message.has_prefix_match_map();
    const bool exact = message.has_exact_match_map();
    if (!exact && !made.by_prefix) {
      error(path, "no map is given; one of exact_match_map, prefix_match_map is needed");
      return;
    }
    const auto& branches = exact ? message.exact_match_map().map() : message.prefix_match_map().map();
    const base::FieldPath which = path.at(exact ? "exact_match_map" : "prefix_match_map");
    const base::FieldPath at = which.at("map");
    for (const auto& [key, branch] : branches) {
      made.longest_prefix = std::max(made.longest_prefix, key.size());
      made.map.emplace(key, onMatch(branch, at.key(key)));
    }
  }

  MatchTree::OnMatch onMatch(const api::Matcher::OnMatch& message, const base::FieldPath& path) {
    MatchTree::OnMatch made;
    if (message.has_matcher()) {
      made.tree = tree(message.matcher(), path.at("matcher"));
    } else if (message.has_action()) {
      const base::FieldPath whole = path.at("action");
      const base::FieldPath at = whole.at("typed_config");
      const auto action = unpackAny(message.action().typed_config(), context_.diagnostics, at);
      if (action == nullptr) return made;
      made.action = context_.action(*action, at).value_or(MatchTree::kNone);
    } else {
      error(path, "nothing is given; one of matcher, action is needed");
    }
    return made;
  }

  MatchPredicate predicate(const PredicateForm& message, const base::FieldPath& path) {
    MatchPredicate made;
    switch (message.match_type_case()) {
      case PredicateForm::kSinglePredicate:
        return single(message.single_predicate(), path.at("single_predicate"));
      case PredicateForm::kOrMatcher:
        return several(MatchPredicate::Kind::kOr, message.or_matcher(), path.at("or_matcher"));
      case PredicateForm::kAndMatcher:
        return several(MatchPredicate::Kind::kAnd, message.and_matcher(), path.at("and_matcher"));
      case PredicateForm::kNotMatcher:
        made.kind = MatchPredicate::Kind::kNot;
        made.inner.push_back(predicate(message.not_matcher(), path.at("not_matcher")));
        return made;
      case PredicateForm::MATCH_TYPE_NOT_SET:
        break;
    }
    error(path, "no condition is given; one of single_predicate, or_matcher, and_matcher, not_matcher is needed");
    return made;
  }

  MatchPredicate several(MatchPredicate::Kind kind, const PredicateForm::PredicateList& message,
                         const base::FieldPath& path) {
    MatchPredicate made;
    made.kind = kind;
    for (int i = 0; i < message.predicate_size(); ++i) {
      made.inner.push_back(predicate(message.predicate(i), path.at("predicate", static_cast<size_t>(i))));
    }
    return made;
  }

  MatchPredicate single(const PredicateForm::SinglePredicate& message, const base::FieldPath& path) {
    MatchPredicate made;
    made.input = input(message.input(), path.at("input"));
    if (message.has_custom_match()) {
      custom(message.custom_match(), path.at("custom_match").at("typed_config"), made);
      return made;
    }
    // The two messages have the same fields under the same numbers.
    envoy::type::matcher::v3::StringMatcher text;
    if (!text.ParseFromString(message.value_match().SerializeAsString())) {
      error(path.at("value_match"), "cannot be read");
      return made;
    }
    made.value = compileStringMatcher(text, context_.diagnostics, path.at("value_match"));
    return made;
  }

  void custom(const Extension& message, const base::FieldPath& path, MatchPredicate& made) {
    const auto unpacked = unpackAny(message.typed_config(), context_.diagnostics, path);
    if (unpacked == nullptr) return;
    if (unpacked->GetDescriptor() != IpMatcher::descriptor()) {
      error(path, absl::StrCat("a matcher of the type ", unpacked->GetDescriptor()->full_name(),
                               "; allowed: ", IpMatcher::descriptor()->full_name()));
      return;
    }
    const auto& ip = static_cast<const IpMatcher&>(*unpacked);
    made.kind = MatchPredicate::Kind::kRanges;
    made.not_an_address =
        context_.stats.counter({"matching", "", absl::StrCat("ip.", ip.stat_prefix(), ".ip_parsing_failed")});
    for (int i = 0; i < ip.cidr_ranges_size(); ++i) {
      const auto& range = ip.cidr_ranges(i);
      auto parsed = net::CidrRange::parse(range.address_prefix(), range.prefix_len().value());
      if (parsed.ok()) {
        made.ranges.push_back(*std::move(parsed));
      } else {
        error(path.at("cidr_ranges", static_cast<size_t>(i)), std::string(parsed.status().message()));
      }
    }
  }

  MatchInput input(const Extension& message, const base::FieldPath& path) {
    MatchInput made;
    const base::FieldPath at = path.at("typed_config");
    const auto unpacked = unpackAny(message.typed_config(), context_.diagnostics, at);
    if (unpacked == nullptr) return made;
    const std::string& type = unpacked->GetDescriptor()->full_name();
    if (unpacked->GetDescriptor() == HeaderInput::descriptor()) {
      made.header = absl::AsciiStrToLower(static_cast<const HeaderInput&>(*unpacked).header_name());
      if (context_.connection_only) {
        error(at, "an input of requests, and a network filter sees none; allowed: inputs of connections");
      }
      return made;
    }
    const auto* const known =
        std::find_if(std::begin(kInputs), std::end(kInputs), [&](const InputName& one) { return one.type == type; });
    if (known == std::end(kInputs)) {
      error(at, absl::StrCat("an input of the type ", type, "; allowed: ", HeaderInput::descriptor()->full_name(),
                             ", and those of addresses, ports, server names and certificates"));
    } else {
      made.kind = known->kind;
    }
    return made;
  }

  void error(const base::FieldPath& path, const std::string& message) { context_.diagnostics.error(path, message); }

  const MatchTreeContext& context_;
};

}  // namespace

std::unique_ptr<const MatchTree> compileMatchTree(const api::Matcher& message, const MatchTreeContext& context,
                                                  const base::FieldPath& path) {
  const size_t errors = context.diagnostics.errors();
  auto made = Compiler(context).tree(message, path);
  return context.diagnostics.errors() == errors ? std::move(made) : nullptr;
}

}  // namespace weir::extensions
