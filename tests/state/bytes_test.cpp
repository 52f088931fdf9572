// Bytes of states: the same on every machine, and never read beyond their end.
#include "engine/state/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <set>

#include "engine/collect/index_set.h"
#include "engine/state/sealed.h"
#include "tests/dumps/file_test.h"

namespace qcal::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::string_literals;

TEST(Bytes, AreWhatTheFormatSays) {
  ByteWriter to;
  to.whole(0);
  to.whole(127);
  to.whole(300);
  to.integer(-1);
  to.integer(64);
  to.real(1.0F);
  to.real(-2.0);
  to.text("ab");
  EXPECT_EQ(to.bytes(),
            "\x00\x7f\xac\x02\x01\x80\x01\x00\x00\x80\x3f\x00\x00\x00\x00\x00\x00\x00\xc0\x02"
            "ab"s);
}

TEST(Bytes, GiveBackEveryNumber) {
  const std::vector<std::uint64_t> wholes{0, 1, 127, 128, 16383, 16384, 1ULL << 63, ~0ULL};
  const std::vector<std::int64_t> integers{0, -1, 1, INT64_MIN, INT64_MAX, -65, 64};
  const std::vector<double> reals{0.0, -0.0, 0.1, 5e-324, std::numeric_limits<double>::infinity()};
  ByteWriter to;
  for (const std::uint64_t value : wholes) to.whole(value);
  for (const std::int64_t value : integers) to.integer(value);
  for (const double value : reals) to.real(value);
  ByteReader from(to.bytes(), "file");
  for (const std::uint64_t value : wholes) EXPECT_EQ(from.whole(), value);
  for (const std::int64_t value : integers) EXPECT_EQ(from.integer(), value);
  for (const double value : reals) {
    const double read = from.real64();
    EXPECT_EQ(read, value);
    EXPECT_EQ(std::signbit(read), std::signbit(value));
  }
  from.end();
}

TEST(Bytes, ThatEndTooEarlyOrSayTooMuchAreRefused) {
  const auto refused = [](std::string_view bytes, const auto& read) {
    return message_of<InputError>([&] {
      ByteReader from(bytes, "file");
      read(from);
    });
  };
  EXPECT_EQ(refused("\x80", [](ByteReader& from) { from.whole(); }),
            "file: ends too early: 1 bytes are wanted where 0 are left");
  EXPECT_THAT(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", [](ByteReader& from) { from.whole(); }),
              HasSubstr("more than 64 bits"));
  EXPECT_THAT(refused("abc", [](ByteReader& from) { from.real32(); }), HasSubstr("4 bytes are wanted"));
  EXPECT_THAT(refused("\x04"s + "abc", [](ByteReader& from) { from.text(); }),
              HasSubstr("a text of 4 bytes where 3 are left"));
  EXPECT_THAT(refused("\x02"s + "abc", [](ByteReader& from) { from.count(2, "tensors"); }),
              HasSubstr("2 tensors in 3 bytes"));
  EXPECT_THAT(refused("\x02", [](ByteReader& from) { from.flag(); }), HasSubstr("a flag of 2"));
  EXPECT_THAT(refused("a", [](ByteReader& from) { from.end(); }), HasSubstr("1 bytes too many"));
}

TEST(Sealed, GivesBackItsContents) {
  for (const std::string& contents : {""s, "\x00\x01"s, std::string(1000, 'x')})
    EXPECT_EQ(opened(sealed(contents), "file"), contents);
}

TEST(Sealed, RefusesEveryCutAndEveryChangedByte) {
  const std::string whole = sealed("contents");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THAT(message_of<InputError>([&] { opened(whole.substr(0, size), "file"); }), StartsWith("file: "));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flipped : {1, 0x20, 0x80}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ flipped);
      EXPECT_THAT(message_of<InputError>([&] { opened(changed, "file"); }), StartsWith("file: "));
    }
  }
  EXPECT_THAT(message_of<InputError>([&] { opened(whole + "x", "file"); }), HasSubstr("added to"));
}

TEST(Sealed, SaysWhatIsWrong) {
  std::string other = sealed("contents");
  EXPECT_THAT(message_of<InputError>([&] { opened("{\"a\": 1}", "file"); }), HasSubstr("no state"));
  other[8] = 2;
  EXPECT_THAT(message_of<InputError>([&] { opened(other, "file"); }), HasSubstr("format 2"));
}

TEST(Sealed, IdentitiesDifferInOneNamedThing) {
  const Identity wanted{{"version", "1"}, {"configuration", std::string(200, 'a') + "b"}};
  require_same(wanted, wanted, "file");
  Identity found = wanted;
  found[0].second = "2";
  EXPECT_EQ(message_of<InputError>([&] { require_same(found, wanted, "file"); }),
            R"(file: of another version: "2", not "1")");
  found = wanted;
  found[1].second.back() = 'c';
  EXPECT_THAT(message_of<InputError>([&] { require_same(found, wanted, "file"); }),
              ::testing::MatchesRegex(R"(file: of another configuration: \.\.\."a+c", not \.\.\."a+b")"));
  found.pop_back();
  EXPECT_EQ(message_of<InputError>([&] { require_same(found, wanted, "file"); }),
            "file: does not say its configuration");
}

TEST(IndexSet, IsASetThatKeepsRuns) {
  std::set<std::int64_t> naive;
  IndexSet set;
  std::uint32_t random = 1;
  for (int i = 0; i < 400; ++i) {
    random = random * 1664525u + 1013904223u;
    const auto index = static_cast<std::int64_t>((random >> 16) % 300) - 150;
    EXPECT_EQ(set.insert(index), naive.insert(index).second);
  }
  for (std::int64_t index = -160; index < 160; ++index)
    EXPECT_EQ(set.contains(index), naive.contains(index)) << index;
  std::size_t gaps = 1;
  for (auto at = std::next(naive.begin()); at != naive.end(); ++at) gaps += *at != *std::prev(at) + 1;
  EXPECT_EQ(set.runs().size(), gaps);
  IndexSet other;
  other.insert_run(200, 210);
  EXPECT_EQ(set.common(other), std::nullopt);
  set.merge(other);
  other.insert(*naive.rbegin());
  EXPECT_EQ(set.common(other), *naive.rbegin());
  EXPECT_EQ(set.largest(), 210);
}

TEST(IndexSet, ReachesTheLastIndexOfAll) {
  IndexSet set;
  EXPECT_TRUE(set.insert(INT64_MAX));
  EXPECT_TRUE(set.insert(INT64_MIN));
  EXPECT_TRUE(set.insert(INT64_MAX - 1));
  EXPECT_EQ(set.runs().size(), 2u);
  EXPECT_FALSE(set.insert(INT64_MAX));
}

TEST(IndexSet, FindsWhatIsMissing) {
  IndexSet set;
  EXPECT_EQ(set.missing(0), std::nullopt);
  EXPECT_EQ(set.missing(1), 0);
  set.insert_run(0, 3);
  EXPECT_EQ(set.missing(4), std::nullopt);
  EXPECT_EQ(set.missing(6), 4);
}

}  // namespace
}  // namespace qcal::testing
