// The program: the only place that links the runner, the bench and the laws.
#include <iostream>

#include "harness/cli/command_line.h"

int main(int argc, char** argv) { return migproof::RunCommandLine(argc, argv, std::cout, std::cerr); }
