// Expects that something throws an Error, and hands it back for a closer look.
//
//   const Error error = ErrorOf([] { LoadConfig("nowhere"); });
//   EXPECT_EQ(error.kind(), ErrorKind::kUsage);
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "migrations/error.h"

namespace migproof {

template <typename Function>
Error ErrorOf(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ErrorKind::kInternal, "no Error was thrown");
}

template <typename Function>
std::string RenderedErrorOf(Function&& function) {
  return ErrorOf(std::forward<Function>(function)).Render();
}

}  // namespace migproof
