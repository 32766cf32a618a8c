// Fetches one document by URL: https, file, and http from this machine itself.
//
//   const std::string document = Download("https://registry.npmjs.org/left-pad", {.accept = "application/json"});
#pragma once

#include <cstddef>
#include <string>

namespace migproof {

struct DownloadOptions {
  std::string accept;                    // the Accept header; "" for none
  std::size_t most_bytes = 256UL << 20;  // more than that is an error
  int connect_timeout_ms = 15'000;       // until the connection stands
  int stall_timeout_ms = 30'000;         // without a kilobyte a second
};

// The document, whole. Proxies are those of the environment (https_proxy and so on). Error(usage) for a URL of another
// scheme, and for http to another machine, where anybody on the way could give something else; Error(server), with the
// URL (its password left out), where it can't be had.
std::string Download(const std::string& url, const DownloadOptions& options = {});

// `url` without what stands before an @ of its host.
std::string WithoutCredentials(const std::string& url);

}  // namespace migproof
