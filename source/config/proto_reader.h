// ProtoReader: fills a protobuf message from a Value tree by reflection, forgiving what the JSON form of protobuf and
// real xDS files forgive (names in snake_case or camelCase, one object where a list is expected, wrappers bare or as
// objects, durations as objects, TypedStruct in place of the message it names, null for "not set"), and reporting all
// the rest: unknown fields and types, wrong kinds, several members of a oneof. It goes on after each error, so that one
// run reports them all, and records the place of every field in the SourceMap.
//
// Made per load by the loader; main thread; holds references that must outlive it. It checks no rule about values: that
// is the Validator's part, which also sees what is missing.
#pragma once

#include <string>
#include <string_view>

#include "source/base/diagnostics.h"
#include "source/config/known/known_xds.h"
#include "source/config/source_map.h"
#include "source/config/value.h"

namespace google::protobuf {
class Any;
class Descriptor;
class FieldDescriptor;
class Message;
class Value;
}  // namespace google::protobuf

namespace weir::config {

class ProtoReader {
 public:
  ProtoReader(SourceMap& sources, base::Diagnostics& diagnostics) : sources_(sources), diagnostics_(diagnostics) {}

  // Reads the root of a file into `out`, which must be of a type of the generated pool. `below` is null, or the message
  // that `out` will be merged onto, so that the paths of list items count what is already there.
  void read(const Value& root, SourceMap::Node file, google::protobuf::Message& out,
            const google::protobuf::Message* below);

 private:
  using Message = google::protobuf::Message;
  using FieldDescriptor = google::protobuf::FieldDescriptor;
  struct Where {
    const base::FieldPath& path;
    SourceMap::Node node;
  };
  // The fields of one map that were read so far, to find the same field or the same oneof given twice.
  class Given;

  void error(const base::FieldPath& path, const Where& near, Place place, std::string message);
  void warning(const base::FieldPath& path, const Where& near, Place place, std::string message);
  void expected(std::string_view what, const Value& value, Place place, const Where& where);

  // `place` is where to point when the value as a whole is wrong: its key, or itself as an item of a list.
  void readMessage(const Value& value, Place place, Message& out, const Message* below, const Where& where);
  // The fields of a map; `in_any` skips the key "@type".
  void readFields(const Value& map, Message& out, const Message* below, const Where& where, bool in_any);
  void readField(const Entry& entry, const FieldDescriptor* field, Message& out, const Message* below,
                 const Where& parent);
  void readItems(const Value& value, Place place, const FieldDescriptor* field, Message& out, const Where& parent,
                 SourceMap::Node list, size_t& index);
  void readMap(const Value& value, Place place, const FieldDescriptor* field, Message& out, const Where& where);
  void readScalar(const Value& value, Place place, const FieldDescriptor* field, Message& out, const Where& where);
  // Durations and wrappers written as scalars; false when the message is of another kind.
  bool readShortForm(const Value& value, Place place, Message& out, const Where& where);

  // The places of what is inside a Struct, which whoever gives it a meaning may have to report.
  void notePlaces(const Value& value, SourceMap::Node node);

  void readAny(const Value& value, Place place, google::protobuf::Any& out, const Where& where);
  void readTypedStruct(const Value& map, Place place, google::protobuf::Any& out, const Where& where);
  // Reads `value` as a message of the named type into the Any; null and a report when there is no such type.
  void readTyped(const Value& type, const Value& value, Place place, bool in_any, google::protobuf::Any& out,
                 const Where& where);
  void fillNameOnlyFilter(const Value& map, Message& filter, const Where& where);

  SourceMap& sources_;
  base::Diagnostics& diagnostics_;
  const KnownXds known_;
  bool may_skip_ = false;  // the map that is being read calls the extension in it optional
};

}  // namespace weir::config
