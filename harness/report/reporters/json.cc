#include <nlohmann/json.hpp>

#include "harness/report/reporter.h"

namespace migproof {

namespace {

class JsonReporter : public Reporter {
 public:
  std::string_view Summary() const override { return "one JSON document with fixed keys, for programs"; }
  void Write(const Report& report, const ReporterOptions&, std::ostream& out) const override {
    // Rows of a database may hold bytes that are not UTF-8 (SQL_ASCII): they are shown as replacement characters.
    out << ToJson(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  }
};

const Registered<Reporter, JsonReporter> kJson("json");

}  // namespace

}  // namespace migproof
