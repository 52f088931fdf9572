// Tables of doubles, looked up lane by lane. Included once for every instruction set.
#if defined(QCAL_KERNELS_SIMD_TABLE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef QCAL_KERNELS_SIMD_TABLE_INL_H
#undef QCAL_KERNELS_SIMD_TABLE_INL_H
#else
#define QCAL_KERNELS_SIMD_TABLE_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Numbers up to 2^31 as integers.
template <class D, class V = hn::Vec<D>>
HWY_INLINE auto index_of(D d, V whole) {
  const hn::RebindToSigned<D> di;
  const auto offset = hn::Set(d, 0x1p52);  // whose bits are an integer's plus those of 2^52
  return hn::Sub(hn::BitCast(di, hn::Add(whole, offset)), hn::BitCast(di, offset));
}

// table[place].
template <class D, class V = hn::Vec<D>>
HWY_INLINE V look_up(D d, const double* table, V place) {
  return hn::GatherIndex(d, table, index_of(d, place));
}

// Where neighbours look several tables up, mostly at neighbouring places: then a vector is loaded and its
// lanes are chosen, since processors take long to load every lane by itself.
template <class D, class V = hn::Vec<D>>
class NearPlaces {
 public:
  HWY_INLINE NearPlaces(D d, V places) : d_(d), index_(index_of(d, places)) {
    constexpr std::size_t most_lanes = hn::MaxLanes(D());
    if constexpr (most_lanes < 4) return;  // too few to be worth it
    HWY_ALIGN double each[most_lanes];
    hn::Store(places, d, each);
    const double first = std::min(each[0], each[hn::Lanes(d) - 1]);
    const V beyond = hn::Set(d, first + static_cast<double>(hn::Lanes(d)));
    are_near_ = hn::AllTrue(d, hn::And(hn::Ge(places, hn::Set(d, first)), hn::Lt(places, beyond)));
    first_ = static_cast<std::int64_t>(first);
  }

  // table[place] of a table that goes on for a vector beyond the last place.
  HWY_INLINE V in(const double* table) const {
    if (!are_near_) return hn::GatherIndex(d_, table, index_);
    const auto lanes = hn::IndicesFromVec(d_, hn::Sub(index_, hn::Set(di_, first_)));
    return hn::TableLookupLanes(hn::LoadU(d_, table + first_), lanes);
  }

 private:
  using IndexTag = hn::RebindToSigned<D>;
  D d_;
  IndexTag di_;
  hn::Vec<IndexTag> index_;
  std::int64_t first_ = 0;
  bool are_near_ = false;
};

}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // QCAL_KERNELS_SIMD_TABLE_INL_H
