#include "source/proxy/routes/path_index.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::proxy {
namespace {

std::vector<uint32_t> candidates(const PathIndex& index, std::string_view path) {
  PathCandidates met;
  index.collect(path, met);
  std::vector<uint32_t> out;
  uint32_t entry;
  while (met.next(entry)) out.push_back(entry);
  return out;
}

TEST(PathIndexTest, GivesCandidatesInWrittenOrder) {
  PathIndex::Builder builder;
  builder.add("/a/b", PathIndex::Kind::kPrefix, 0);
  builder.add("/", PathIndex::Kind::kPrefix, 1);
  builder.add("/a/bc", PathIndex::Kind::kExact, 3);
  builder.add("/a", PathIndex::Kind::kSeparatedPrefix, 4);
  const PathIndex index = std::move(builder).build();
  EXPECT_EQ(candidates(index, "/a/bc"), (std::vector<uint32_t>{0, 1, 3, 4}));
  EXPECT_EQ(candidates(index, "/a/bcd"), (std::vector<uint32_t>{0, 1, 4}));
  EXPECT_EQ(candidates(index, "/ab"), (std::vector<uint32_t>{1}));
  EXPECT_EQ(candidates(index, "/a"), (std::vector<uint32_t>{1, 4}));
}

TEST(PathIndexTest, AnEmptyOneMeetsNothing) {
  EXPECT_TRUE(PathIndex().empty());
  EXPECT_TRUE(candidates(PathIndex(), "/").empty());
  EXPECT_TRUE(candidates(PathIndex::Builder().build(), "").empty());
}

struct Entry {
  std::string literal;
  PathIndex::Kind kind;
};

bool naive(const Entry& entry, std::string_view path) {
  switch (entry.kind) {
    case PathIndex::Kind::kExact:
      return path == entry.literal;
    case PathIndex::Kind::kPrefix:
      return path.starts_with(entry.literal);
    case PathIndex::Kind::kSeparatedPrefix:
      return path == entry.literal || (path.starts_with(entry.literal) && path.size() > entry.literal.size() &&
                                       path[entry.literal.size()] == '/');
  }
  return false;
}

std::string randomPath(base::Random& random) {
  std::string path = "/";
  const uint64_t length = random.below(8);
  for (uint64_t i = 0; i < length; ++i) path += "ab/"[random.below(3)];
  return path;
}

TEST(PathIndexTest, AgreesWithTestingEveryEntry) {
  base::Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Entry> entries;
    PathIndex::Builder builder;
    const uint64_t count = random.below(60);
    for (uint32_t i = 0; i < count; ++i) {
      entries.push_back({randomPath(random), static_cast<PathIndex::Kind>(random.below(3))});
      builder.add(entries.back().literal, entries.back().kind, i);
    }
    const PathIndex index = std::move(builder).build();
    for (int lookup = 0; lookup < 100; ++lookup) {
      const std::string path = randomPath(random);
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < entries.size(); ++i) {
        if (naive(entries[i], path)) expected.push_back(i);
      }
      ASSERT_EQ(candidates(index, path), expected) << "path " << path << " in round " << round;
    }
  }
}

TEST(PathIndexTest, WalksPathsWithMorePrefixesThanFitInline) {
  PathIndex::Builder builder;
  std::string literal = "/";
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < 100; ++i) {
    builder.add(literal, PathIndex::Kind::kPrefix, i);
    expected.push_back(i);
    literal += "x";
  }
  EXPECT_EQ(candidates(std::move(builder).build(), literal), expected);
}

TEST(PathIndexTest, TakesEveryByte) {
  PathIndex::Builder builder;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    builder.add("/" + std::string(1, static_cast<char>(byte)), PathIndex::Kind::kExact, byte);
  }
  const PathIndex index = std::move(builder).build();
  for (uint32_t byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(candidates(index, "/" + std::string(1, static_cast<char>(byte))), std::vector<uint32_t>{byte});
  }
}

}  // namespace
}  // namespace weir::proxy
