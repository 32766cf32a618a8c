#include "harness/verify/stretches.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <utility>

#include "migrations/error.h"

namespace migproof {

struct Stretches::Shared {
  std::atomic<std::size_t> taken = 0;
  std::atomic<std::size_t> done = 0;
  std::atomic<std::size_t> hands = 0;
};

Stretches::Stretches(Plan plan, int workers)
    : plan_(std::move(plan)),
      revisions_(plan_.revisions().begin(), plan_.revisions().end()),
      workers_(static_cast<std::size_t>(std::max(workers, 1))) {
  static_assert(std::atomic<std::size_t>::is_always_lock_free, "it is shared by processes");
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw Error(ErrorKind::kInternal, "no memory to share with the workers");
  shared_ = new (memory) Shared;
}

Stretches::~Stretches() { munmap(shared_, sizeof(Shared)); }

std::optional<std::vector<std::size_t>> Stretches::Take() {
  std::size_t begin = shared_->taken;
  std::size_t end = begin;
  do {
    const std::size_t left = revisions_.size() - begin;
    if (left == 0) return std::nullopt;
    // A worker that begins somewhere new goes there first: few stretches at the start, single revisions at the end.
    end = begin + std::max<std::size_t>(1, left / (2 * workers_));
  } while (!shared_->taken.compare_exchange_weak(begin, end));
  return std::vector<std::size_t>(revisions_.begin() + static_cast<std::ptrdiff_t>(begin),
                                  revisions_.begin() + static_cast<std::ptrdiff_t>(end));
}

bool Stretches::Exhausted() const { return shared_->taken == revisions_.size(); }

void Stretches::Join() { ++shared_->hands; }

void Stretches::Done() { ++shared_->done; }

std::size_t Stretches::left() const { return revisions_.size() - shared_->done; }

std::size_t Stretches::hands() const { return shared_->hands; }

}  // namespace migproof
