#define OMPI_SKIP_MPICXX 1  // its C++ bindings are long gone from the standard

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <thread>

#include "kernels/error.h"
#include "tools/calib_run/ranks.h"

namespace qcal::tools {
namespace {

// Starting MPI takes tenths of a second that nobody else wants to wait for.
bool started_by_mpirun() {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"}) {
    if (std::getenv(variable) != nullptr) return true;
  }
  return false;
}

bool is_running() {
  int initialized = 0;
  int finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  return initialized != 0 && finalized == 0;
}

constexpr std::size_t piece = std::size_t{1} << 30;  // MPI counts in int

}  // namespace

Ranks::Ranks() {
  if (!started_by_mpirun()) return;
  int provided = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
    throw Error("MPI does not start");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &count_);
}

Ranks::~Ranks() {
  if (is_running() && std::uncaught_exceptions() == 0) MPI_Finalize();
}

void Ranks::send(int to, std::string_view bytes) const {
  const auto size = static_cast<std::uint64_t>(bytes.size());
  MPI_Send(&size, 1, MPI_UINT64_T, to, 0, MPI_COMM_WORLD);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    MPI_Send(bytes.data(), static_cast<int>(std::min(piece, bytes.size())), MPI_BYTE, to, 0, MPI_COMM_WORLD);
}

std::string Ranks::receive(int from) const {
  std::uint64_t size = 0;
  MPI_Recv(&size, 1, MPI_UINT64_T, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size; at += piece) {
    MPI_Recv(bytes.data() + at, static_cast<int>(std::min(piece, size - at)), MPI_BYTE, from, 0,
             MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
  return bytes;
}

void Ranks::meet() const {
  if (count_ > 1) MPI_Barrier(MPI_COMM_WORLD);
}

std::string rank_prefix() {
  if (!is_running()) return "";
  int rank = 0;
  int count = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  if (count == 1) return "";
  if (rank > 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
  return fmt::format("rank {} of {}: ", rank, count);
}

void fail_ranks(int exit_code) {
  if (is_running()) MPI_Abort(MPI_COMM_WORLD, exit_code);
}

}  // namespace qcal::tools
