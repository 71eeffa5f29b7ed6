#include "source/proxy/path_index.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::proxy {
namespace {

std::vector<uint32_t> candidates(const PathIndex& index, std::string_view path) {
  std::vector<uint32_t> out;
  index.forEachCandidate(path, [&](uint32_t entry) {
    out.push_back(entry);
    return false;
  });
  return out;
}

TEST(PathIndexTest, GivesCandidatesInWrittenOrder) {
  PathIndex index;
  index.add("/a/b", PathIndex::Kind::kPrefix, 0);
  index.add("/", PathIndex::Kind::kPrefix, 1);
  index.addForAll(2);
  index.add("/a/bc", PathIndex::Kind::kExact, 3);
  index.add("/a", PathIndex::Kind::kSeparatedPrefix, 4);
  EXPECT_EQ(candidates(index, "/a/bc"), (std::vector<uint32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(candidates(index, "/a/bcd"), (std::vector<uint32_t>{0, 1, 2, 4}));
  EXPECT_EQ(candidates(index, "/ab"), (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(candidates(index, "/a"), (std::vector<uint32_t>{1, 2, 4}));
}

TEST(PathIndexTest, StopsWhenACandidateIsAccepted) {
  PathIndex index;
  for (uint32_t i = 0; i < 10; ++i) index.add("/", PathIndex::Kind::kPrefix, i);
  std::vector<uint32_t> seen;
  index.forEachCandidate("/x", [&](uint32_t entry) {
    seen.push_back(entry);
    return entry == 3;
  });
  EXPECT_EQ(seen, (std::vector<uint32_t>{0, 1, 2, 3}));
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
    PathIndex index;
    const uint64_t count = random.below(60);
    for (uint32_t i = 0; i < count; ++i) {
      entries.push_back({randomPath(random), static_cast<PathIndex::Kind>(random.below(3))});
      index.add(entries.back().literal, entries.back().kind, i);
    }
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
  PathIndex index;
  std::string literal = "/";
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < 100; ++i) {
    index.add(literal, PathIndex::Kind::kPrefix, i);
    expected.push_back(i);
    literal += "x";
  }
  EXPECT_EQ(candidates(index, literal), expected);
}

}  // namespace
}  // namespace weir::proxy
