// What is done again and again, measured so.
//
//   const double took = MedianInARow(100, [&] { return Milliseconds([&] { OneCase(); }); });
#pragma once

#include <functional>
#include <string>

namespace migproof {

// The median of `times` that follow each other: what one leaves in the CPU's caches serves the next. With the other
// side between them each would begin with what that one left. `measure` returns milliseconds.
//
// On a machine that is shared, two of its CPUs may be one core, and the other one somebody else's: while they work, all
// here takes half as long again (seen for seconds at a time, and in no counter). What was measured in such a moment is
// left out; where that is most of them, all are taken again, up to a limit, after which they count.
double MedianInARow(int times, const std::function<double()>& measure);

// "; 31 % left out: the core was shared", of all that MedianInARow measured since it was last asked; "": none.
std::string LeftOut();

}  // namespace migproof
