#include "harness/verify/commit_watch.h"

namespace migproof {

void CommitWatch::Mark() { next_ = session_.Query("SELECT txid_snapshot_xmax(txid_current_snapshot())").Get(0, 0); }

std::int64_t CommitWatch::Since(Session& session, const std::string& mark) {
  const Rows rows = session.Query(
      "SELECT count(*) FROM generate_series($1::bigint, txid_snapshot_xmax(txid_current_snapshot()) - 1) AS t "
      "WHERE txid_status(t) IS DISTINCT FROM 'aborted'",
      {mark});
  return rows.GetInt(0, 0);
}

}  // namespace migproof
