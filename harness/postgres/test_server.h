// The throw-away server that all tests of one test program share.
#pragma once

#include <memory>

#include "harness/postgres/provider.h"

namespace migproof {

// Started by the first test that asks, stopped when the program ends. Tests make databases of their own on it
// (Database::Create) and leave nothing behind.
const Server& TestServer();

// The same server as one that a run may own and end: it goes on when the run is over.
std::unique_ptr<Server> LendTestServer();

}  // namespace migproof
