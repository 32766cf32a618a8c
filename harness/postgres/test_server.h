// The throw-away server that all tests of one test program share.
#pragma once

#include "harness/postgres/provider.h"

namespace migproof {

// Started by the first test that asks, stopped when the program ends. Tests make databases of their own on it
// (Database::Create) and leave nothing behind.
const Server& TestServer();

}  // namespace migproof
