#include "source/http/header_id.h"

#include <string>

#include "gtest/gtest.h"

namespace weir::http {
namespace {

TEST(HeaderId, MapsEveryNameOfTheListToItselfAndBack) {
  for (int i = 0; i < static_cast<int>(HeaderId::kOther); ++i) {
    const HeaderId id = static_cast<HeaderId>(i);
    EXPECT_EQ(headerId(headerName(id)), id) << headerName(id);
  }
}

TEST(HeaderId, DoesNotKnowNeighboursOfKnownNames) {
  for (int i = 0; i < static_cast<int>(HeaderId::kOther); ++i) {
    const std::string name(headerName(static_cast<HeaderId>(i)));
    for (size_t at = 0; at < name.size(); ++at) {
      std::string other = name;
      other[at] = '_';
      EXPECT_EQ(headerId(other), HeaderId::kOther) << other;
    }
    EXPECT_EQ(headerId(name + "x"), HeaderId::kOther);
    EXPECT_EQ(headerId(name + std::string(256, 'x')), HeaderId::kOther);
  }
  EXPECT_EQ(headerId(""), HeaderId::kOther);
  EXPECT_EQ(headerId("a"), HeaderId::kOther);
  EXPECT_EQ(headerId("Host"), HeaderId::kOther);
}

}  // namespace
}  // namespace weir::http
