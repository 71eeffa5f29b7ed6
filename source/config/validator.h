// Validator: checks a message against the rules that its fields carry as options, through reflection and into every Any
// whose type is linked: lengths, bounds, header characters, enum values, required fields and oneofs, and that no
// duration is negative. It reports all faults, each with the path of the field, and changes nothing.
//
// Made per load; main thread. Rules are parsed once per message type and kept for the life of the Validator.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "source/base/diagnostics.h"
#include "source/config/rule.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
class Message;
class OneofDescriptor;
}  // namespace google::protobuf

namespace weir::config {

class Validator {
 public:
  // What `diagnostics` already holds says where a field failed to be read: there nothing more is said.
  // Diagnostics must outlive the Validator.
  explicit Validator(base::Diagnostics& diagnostics);
  ~Validator();

  void check(const google::protobuf::Message& message);

 private:
  using Message = google::protobuf::Message;
  using FieldDescriptor = google::protobuf::FieldDescriptor;
  struct Plan;  // the rules of one message type

  const Plan& planFor(const google::protobuf::Descriptor& type);
  void checkMessage(const Message& message, const base::FieldPath& path);
  void checkAny(const Message& any, const base::FieldPath& path);
  void checkOneofs(const Message& message, const Plan& plan, const base::FieldPath& path);
  void checkSingular(const Message& message, const FieldDescriptor* field, const Rule* rule,
                     const base::FieldPath& parent);
  void checkRepeated(const Message& message, const FieldDescriptor* field, const Rule* rule,
                     const base::FieldPath& parent);
  void checkMap(const Message& message, const FieldDescriptor* field, const Rule* rule, const base::FieldPath& parent);
  void checkFewest(size_t items, const Rule* rule, const base::FieldPath& whole, const base::FieldPath& parent);
  // The rule on a message field's own value: a duration, or the inside of a wrapper.
  void checkValueOf(const Message& value, const Rule* rule, const base::FieldPath& path);
  // Reports what is wrong with a field, or that it is missing, unless reading it failed already.
  void error(const base::FieldPath& path, std::string message);
  void missing(const base::FieldPath& parent, const base::FieldPath& path, std::string message);

  base::Diagnostics& diagnostics_;
  std::unordered_set<std::string> incomplete_;  // paths of messages that, or a field of which, could not be read
  std::unordered_map<const google::protobuf::Descriptor*, std::unique_ptr<Plan>> plans_;
};

}  // namespace weir::config
