// What the bound of a partition demands of a row, as a CHECK.
#pragma once

#include <optional>
#include <string>

namespace migproof {

// `key` as pg_get_partkeydef writes it ("RANGE (day, region)"), `bound` as pg_get_expr does ("FOR VALUES FROM
// ('2020-01-01', MINVALUE) TO (...)"): "CHECK (...)" that rows of the partition pass. Of a range over several columns
// a part that is easily filled: rows that begin like its lower bound. Nothing for hash and default partitions and for
// keys that are expressions.
std::optional<std::string> PartitionCheck(const std::string& key, const std::string& bound);

}  // namespace migproof
