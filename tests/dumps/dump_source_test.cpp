#include "engine/dumps/dump_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "engine/error.h"
#include "tests/dumps/dump_files.h"

namespace qcal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace qcal::testing;

const std::filesystem::path models = QCAL_MODELS;

std::vector<float> floats_of(const TensorView& view) {
  std::vector<float> values(static_cast<std::size_t>(view.size()));
  if (!values.empty()) std::memcpy(values.data(), view.data, values.size() * sizeof(float));
  return values;
}

class Dumps : public ::testing::Test {
 protected:
  void file(std::string_view name, const std::string& bytes) { write_bytes(directory_ / name, bytes); }
  std::string error() {
    const std::string message = message_of<InputError>([&] { open_dumps(directory_.path()); });
    EXPECT_THAT(message, StartsWith(directory_.path().string()));
    return message;
  }

  TemporaryDirectory directory_;
};

TEST_F(Dumps, ReadsNpyWithManifest) {
  file("0.npy", npy_f32("(2,)", {1, 2}));
  file("1.npy", npy_f32("(3,)", {3, 4, 5}));
  file("2.npy", npy_f32("()", {6}));
  file("manifest.json", R"({"tensors": {"conv/1": ["1.npy", "0.npy"], "s": ["2.npy"], "none": []}})");
  const auto dump = open_dumps(directory_.path());
  EXPECT_THAT(dump->names(), ElementsAre("conv/1", "s", "none"));
  EXPECT_TRUE(dump->contains("s"));
  EXPECT_FALSE(dump->contains("t"));
  EXPECT_EQ(dump->batches("conv/1"), 2u);
  EXPECT_EQ(dump->batches("none"), 0u);
  EXPECT_EQ(dump->bytes("conv/1"), 20u);
  EXPECT_FALSE(dump->model_sha256());
  EXPECT_EQ(dump->description(), "3 tensors x 0 to 2 batches, npy with manifest.json");
  EXPECT_THAT(floats_of(dump->open("conv/1", 0)->view()), ElementsAre(3, 4, 5));
  EXPECT_THAT(floats_of(dump->open("conv/1", 1)->view()), ElementsAre(1, 2));
  EXPECT_THAT(floats_of(dump->open("s", 0)->view()), ElementsAre(6));
  EXPECT_THAT(message_of<InputError>([&] { dump->open("t", 0); }),
              HasSubstr("tensor \"t\": not in the dump"));
  EXPECT_THAT(message_of<InputError>([&] { dump->batches("t"); }), HasSubstr("not in the dump"));
  EXPECT_THAT(message_of<InputError>([&] { dump->open("s", 1); }), HasSubstr("no batch 1"));
}

TEST_F(Dumps, FortranOrderAddressesTheSameElements) {
  file("0.npy", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}",
                    bytes_of<float>({0, 10, 1, 11, 2, 12})));
  file("manifest.json", R"({"tensors": {"a": ["0.npy"]}})");
  const auto batch = open_dumps(directory_.path())->open("a", 0);
  const TensorView& view = batch->view();
  const auto* values = static_cast<const float*>(view.data);
  for (std::int64_t row = 0; row < 2; ++row) {
    for (std::int64_t column = 0; column < 3; ++column) {
      EXPECT_EQ(values[row * view.strides.at(0) + column * view.strides.at(1)],
                static_cast<float>(10 * row + column));
    }
  }
}

TEST_F(Dumps, ReadsSafetensorsInTheOrderOfTheirNames) {
  const std::string both =
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  const std::string only_a = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  file("b1.safetensors", safetensors(both, bytes_of<float>({3, 4})));
  file("b0.safetensors", safetensors(only_a, bytes_of<float>({1})));
  file("._b0.safetensors", "a shadow that another system left");
  file("manifest_st.json", "not ours");
  const auto dump = open_dumps(directory_.path());
  EXPECT_THAT(dump->names(), ElementsAre("a", "b"));
  EXPECT_EQ(dump->batches("a"), 2u);
  EXPECT_EQ(dump->batches("b"), 1u);
  EXPECT_EQ(dump->bytes("a"), 8u);
  EXPECT_EQ(dump->description(), "2 tensors x 1 to 2 batches, safetensors");
  EXPECT_THAT(floats_of(dump->open("a", 0)->view()), ElementsAre(1));
  EXPECT_THAT(floats_of(dump->open("a", 1)->view()), ElementsAre(3));
  EXPECT_THAT(floats_of(dump->open("b", 0)->view()), ElementsAre(4));
}

TEST_F(Dumps, OtherTypesAreListedButNotOpened) {
  file("0.safetensors",
       safetensors(R"({"ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", std::string(8, '\0')));
  const auto dump = open_dumps(directory_.path());
  EXPECT_EQ(dump->bytes("ids"), 8u);
  EXPECT_THAT(message_of<InputError>([&] { dump->open("ids", 0); }),
              AllOf(HasSubstr("0.safetensors: tensor \"ids\""), HasSubstr("\"I64\" cannot be calibrated")));
}

TEST_F(Dumps, OneDumpOneModel) {
  const auto header = [](char digit) {
    return R"({"__metadata__":{"model_sha256":")" + std::string(64, digit) + R"("}})";
  };
  file("0.safetensors", safetensors("{}", ""));
  file("1.safetensors", safetensors(header('1'), ""));
  EXPECT_EQ(open_dumps(directory_.path())->model_sha256(), std::string(64, '1'));
  file("2.safetensors", safetensors(header('2'), ""));
  EXPECT_THAT(error(), AllOf(HasSubstr("2.safetensors: recorded from model 22"), HasSubstr("1.safetensors")));
}

TEST_F(Dumps, BatchesHaveOneRankAndOneType) {
  file("0.npy", npy_f32("(2,)", {1, 2}));
  file("1.npy", npy_f32("(2, 1)", {1, 2}));
  file("2.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", std::string(8, '\0')));
  file("manifest.json", R"({"tensors": {"conv1": ["0.npy", "1.npy"]}})");
  EXPECT_THAT(error(), AllOf(HasSubstr("1.npy: tensor \"conv1\""), HasSubstr("2x1"), HasSubstr("0.npy")));
  file("manifest.json", R"({"tensors": {"conv1": ["0.npy", "2.npy"]}})");
  EXPECT_THAT(error(), AllOf(HasSubstr("2.npy: tensor \"conv1\""), HasSubstr("<f8"), HasSubstr("one dtype")));
}

TEST_F(Dumps, SaysWhatIsWrongWithTheDirectory) {
  EXPECT_THAT(error(), AllOf(HasSubstr("neither manifest.json nor *.safetensors"), HasSubstr("a dump is")));
  file("0.npy", npy_f32("()", {1}));
  EXPECT_THAT(error(), HasSubstr("holds 1 *.npy but no manifest.json"));
  file("0.npz", "PK");
  EXPECT_THAT(error(), AllOf(HasSubstr("0.npz"), HasSubstr("Not a zip archive")));
  file("0.safetensors", safetensors("{}", ""));
  EXPECT_THAT(error(), HasSubstr("both 1 *.safetensors and 1 *.npz"));
  file("manifest.json", R"({"tensors": {}})");
  EXPECT_THAT(error(), HasSubstr("both manifest.json and 1 *.safetensors"));
  EXPECT_THAT(message_of<InputError>([&] { open_dumps(directory_ / "none"); }),
              HasSubstr("no such directory"));
  EXPECT_THAT(message_of<InputError>([&] { open_dumps(directory_ / "0.npy"); }),
              HasSubstr("not a directory"));
}

TEST_F(Dumps, NamesTheMissingFile) {
  file("manifest.json", R"({"tensors": {"conv1": ["7.npy"]}})");
  EXPECT_THAT(error(), AllOf(HasSubstr("7.npy"), HasSubstr("No such file")));
}

TEST_F(Dumps, AFileThatChangesMeanwhileIsAnError) {
  file("0.npy", npy_f32("(2,)", {1, 2}));
  file("manifest.json", R"({"tensors": {"conv1": ["0.npy"]}})");
  const auto dump = open_dumps(directory_.path());
  const auto held = dump->open("conv1", 0);
  ASSERT_EQ(::truncate((directory_ / "0.npy").c_str(), 40), 0);
  EXPECT_THAT(message_of<InputError>([&] { dump->open("conv1", 0); }),
              HasSubstr("changed after its header was read"));
  EXPECT_THAT(floats_of(held->view()), ElementsAre(1, 2)) << "a batch once open must not follow the file";
}

TEST_F(Dumps, AFileThatShrinksWhileItIsReadIsAnError) {
  file("0.npy", npy_f32("(5, 1048576)", std::vector<float>(5 << 20)));  // five parts
  file("manifest.json", R"({"tensors": {"conv1": ["0.npy"]}})");
  const auto dump = open_dumps(directory_.path());
  const auto parts = dump->parts("conv1", 0);
  ASSERT_FALSE(parts->whole());
  int visited = 0;
  const auto shrink = [&](const TensorPart&) {
    ++visited;
    std::filesystem::resize_file(directory_ / "0.npy", 1000);
  };
  EXPECT_THAT(message_of<IoError>([&] { parts->for_each(shrink); }),
              AllOf(HasSubstr("0.npy: ends at byte"), HasSubstr("it shrank while it was read")));
  EXPECT_LE(visited, 2) << "the second part may have been read before";
}

TEST_F(Dumps, OpensFromManyThreads) {
  const auto dump = open_dumps(models / "rn_digits/dump");
  std::vector<std::thread> threads;
  std::array<double, 4> sums{};
  for (double& sum : sums) {
    threads.emplace_back([&dump, &sum] {
      for (const std::string& name : dump->names()) {
        for (std::size_t i = 0; i < dump->batches(name); ++i) {
          for (const float value : floats_of(dump->open(name, i)->view())) sum += double{value};
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const double sum : sums) EXPECT_EQ(sum, sums[0]);
}

TEST(RealDumps, BothFormatsHoldTheSameNetwork) {
  const auto npy_dump = open_dumps(models / "rn_digits/dump");
  const auto safetensors_dump = open_dumps(models / "rn_digits/dump_safetensors");
  EXPECT_EQ(npy_dump->description(), "32 tensors x 8 batches, npy with manifest.json");
  EXPECT_EQ(safetensors_dump->description(), "23 tensors x 4 batches, safetensors");
  EXPECT_EQ(npy_dump->model_sha256(), "19ac31075be300bd6914861309f918786efc597d45b6952f0960454f11d5a7f2");
  EXPECT_EQ(npy_dump->names().front(), "input");
  std::size_t compared = 0;
  for (const std::string& name : safetensors_dump->names()) {
    for (std::size_t i = 0; i < safetensors_dump->batches(name); ++i) {
      const auto left = npy_dump->open(name, i);
      const auto right = safetensors_dump->open(name, i);
      EXPECT_EQ(left->view().shape, right->view().shape) << name;
      // Recorded from two spellings of one network: only the input is the same to the bit.
      if (name == "input") {
        EXPECT_EQ(floats_of(left->view()), floats_of(right->view()));
      }
      ++compared;
    }
  }
  EXPECT_EQ(compared, 92u);
}

// Bytes of resident memory of this process now.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct MemoryCase {
  const char* name;
  std::size_t batch_bytes;
  std::size_t kept_bytes;  // between batches
};

class DumpMemory : public ::testing::TestWithParam<MemoryCase> {};

// Streams 1 GiB of batches; sparse files, so that they take no room on the disk.
TEST_P(DumpMemory, IsFlatWhateverTheSize) {
  const TemporaryDirectory directory;
  const auto [name, batch_bytes, kept_bytes] = GetParam();
  const std::size_t batches = (std::size_t{1} << 30) / batch_bytes;
  const std::string start = npy(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(batch_bytes / 4) + ",)}", "");
  std::string list;
  for (std::size_t i = 0; i < batches; ++i) {
    const std::string file = std::to_string(i) + ".npy";
    write_bytes(directory / file, start);
    ASSERT_EQ(::truncate((directory / file).c_str(), static_cast<off_t>(start.size() + batch_bytes)), 0);
    list += (i == 0 ? "\"" : ", \"") + file + "\"";
  }
  write_bytes(directory / "manifest.json", R"({"tensors": {"conv1": [)" + list + "]}}");
  const auto dump = open_dumps(directory.path());
  EXPECT_EQ(dump->bytes("conv1"), std::uint64_t{1} << 30);
  const std::size_t before = resident_bytes();
  std::size_t most_while_open = 0;
  std::size_t most_between = 0;
  for (std::size_t i = 0; i < batches; ++i) {
    {
      const auto batch = dump->open("conv1", i);
      EXPECT_EQ(static_cast<const float*>(batch->view().data)[batch_bytes / 4 - 1], 0.0F);
      most_while_open = std::max(most_while_open, resident_bytes());
    }
    most_between = std::max(most_between, resident_bytes());
  }
  constexpr std::size_t slack = std::size_t{16} << 20;  // sanitizers keep freed blocks for a while
  EXPECT_LT(most_while_open, before + batch_bytes + slack);
  EXPECT_LT(most_between, before + kept_bytes + slack);
}

INSTANTIATE_TEST_SUITE_P(Sizes, DumpMemory,
                         ::testing::Values(MemoryCase{"Small", std::size_t{4} << 20, std::size_t{4} << 20},
                                           MemoryCase{"Large", std::size_t{128} << 20, 0}),
                         [](const auto& instance) { return instance.param.name; });

TEST_F(Dumps, ABatchMayOutliveItsDump) {
  file("0.npy", npy_f32("(2,)", {1, 2}));
  file("manifest.json", R"({"tensors": {"conv1": ["0.npy"]}})");
  const std::unique_ptr<DumpBatch> batch = open_dumps(directory_.path())->open("conv1", 0);
  EXPECT_THAT(floats_of(batch->view()), ElementsAre(1, 2));
}

TEST_F(Dumps, MoreBatchesThanFileDescriptors) {
  rlimit saved{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &saved), 0);
  std::string list;
  for (int i = 0; i < 100; ++i) {
    file(std::to_string(i) + ".npy", npy_f32("()", {static_cast<float>(i)}));
    list += (i == 0 ? "\"" : ", \"") + std::to_string(i) + ".npy\"";
  }
  file("manifest.json", R"({"tensors": {"conv1": [)" + list + "]}}");
  rlimit few = saved;
  few.rlim_cur = 32;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<std::unique_ptr<DumpBatch>> held;
  const auto dump = open_dumps(directory_.path());
  for (std::size_t i = 0; i < 100; ++i) held.push_back(dump->open("conv1", i));
  ::setrlimit(RLIMIT_NOFILE, &saved);
  EXPECT_THAT(floats_of(held[99]->view()), ElementsAre(99));
}

}  // namespace
}  // namespace qcal
