#include "test/harness/filter/filter_world.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace weir::harness {
namespace {

std::unique_ptr<google::protobuf::Message> parse(const std::string& type, std::string_view text) {
  const auto* const descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (descriptor == nullptr) {
    ADD_FAILURE() << "no message " << type << " is linked in";
    return nullptr;
  }
  std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(text), message.get())) << text;
  return message;
}

std::string errors(const base::Diagnostics& diagnostics) {
  std::string out;
  for (const base::Diagnostic& one : diagnostics.all()) out += one.path + ": " + one.message + "\n";
  return out;
}

}  // namespace

FilterWorld::FilterWorld(uint64_t seed)
    : simulation(seed),
      dispatcher(simulation.addDispatcher()),
      wire(simulation),
      network(wire, dispatcher),
      random(seed),
      shard(stats.makeShard()),
      worker{dispatcher, network, blocks, chunks, random, shard, 0},
      side_calls(worker) {}

std::unique_ptr<filter::HttpFilterFactory> FilterWorld::makeFilter(const filter::HttpFilterType& type,
                                                                   std::string_view text) {
  const auto message = parse(type.config_type, text);
  if (message == nullptr) return nullptr;
  base::Diagnostics diagnostics;
  const base::FieldPath root;
  auto factory = type.make(*message, {stats, diagnostics, root, "test", simulation.clock()});
  EXPECT_TRUE(diagnostics.ok()) << errors(diagnostics);
  EXPECT_NE(factory, nullptr);
  return factory;
}

std::unique_ptr<filter::RouteFilterConfig> FilterWorld::makeRouteConfig(const filter::HttpFilterType& type,
                                                                        std::string_view text,
                                                                        const filter::HttpFilterFactory* filter) {
  const auto message = parse(type.route_config_type, text);
  if (message == nullptr) return nullptr;
  base::Diagnostics diagnostics;
  const base::FieldPath root;
  auto config =
      type.make_route_config(*message, {stats, diagnostics, root, "test", simulation.clock(), nullptr, false, filter});
  EXPECT_TRUE(diagnostics.ok()) << errors(diagnostics);
  EXPECT_NE(config, nullptr);
  return config;
}

std::string FilterWorld::errorsOf(const filter::HttpFilterType& type, std::string_view text) {
  const auto message = parse(type.config_type, text);
  base::Diagnostics diagnostics;
  const base::FieldPath root;
  const auto factory = type.make(*message, {stats, diagnostics, root, "test", simulation.clock()});
  EXPECT_EQ(factory, nullptr);
  EXPECT_FALSE(diagnostics.ok());
  return errors(diagnostics);
}

const filter::RouteFilterConfig* FakeRoute::filterConfig(size_t slot) const {
  const auto found = configs.find(slot);
  return found == configs.end() || found->second.empty() ? nullptr : found->second.back().get();
}

size_t FakeRoute::filterConfigs(size_t slot, const filter::RouteFilterConfig** out, size_t capacity) const {
  const auto found = configs.find(slot);
  if (found == configs.end()) return 0;
  const size_t count = std::min(capacity, found->second.size());
  for (size_t i = 0; i < count; ++i) out[i] = found->second[i].get();
  return count;
}

std::optional<bool> FakeRoute::filterDisabled(size_t slot) const {
  const auto found = disabled.find(slot);
  if (found == disabled.end()) return std::nullopt;
  return found->second;
}

}  // namespace weir::harness
