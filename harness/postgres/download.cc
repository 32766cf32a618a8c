#include "harness/postgres/download.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "migrations/error.h"

namespace migproof {

namespace {

constexpr long kSlowBytesPerSecond = 1'024;
constexpr long kMostRedirects = 5;

struct TransferDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
template <typename Handle>
using TransferPart = std::unique_ptr<Handle, TransferDeleter>;

struct Arriving {
  std::string bytes;
  std::size_t most = 0;
};

std::size_t Take(const char* data, std::size_t size, std::size_t count, void* to) {
  auto& arriving = *static_cast<Arriving*>(to);
  if (arriving.bytes.size() + size * count > arriving.most) return 0;  // libcurl gives up then
  arriving.bytes.append(data, size * count);
  return size * count;
}

std::string Part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK || text == nullptr) return "";
  std::string part = text;
  curl_free(text);
  return part;
}

TransferPart<CURLU> Parsed(const std::string& url) {
  TransferPart<CURLU> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not a URL", WithoutCredentials(url)));
  }
  return parsed;
}

bool IsThisMachine(const std::string& host) {
  return host == "localhost" || host == "[::1]" || host.rfind("127.", 0) == 0;
}

// The schemes that a request which begins at `url`, and what it is redirected to, may use.
std::string ProtocolsFor(const std::string& url) {
  const TransferPart<CURLU> parsed = Parsed(url);
  const std::string scheme = Part(parsed.get(), CURLUPART_SCHEME);
  if (scheme == "https" || scheme == "file") return scheme;
  if (scheme == "http" && IsThisMachine(Part(parsed.get(), CURLUPART_HOST))) return "http,https";
  throw Error(
      ErrorKind::kUsage,
      scheme == "http"
          ? fmt::format("'{}' is not encrypted: anybody on the way could give something else", WithoutCredentials(url))
          : fmt::format("'{}' can't be fetched: its scheme is '{}'", WithoutCredentials(url), scheme))
      .WithHint("a URL that begins with https://");
}

void Allow(CURL* curl, const std::string& protocols) {
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols.c_str());
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols == "file" ? "https" : protocols.c_str());
#else
  const long one = protocols == "file" ? CURLPROTO_FILE : CURLPROTO_HTTPS;
  const long all = protocols.size() > 5 ? CURLPROTO_HTTP | CURLPROTO_HTTPS : one;
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS, all);
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, all & ~CURLPROTO_FILE);
#endif
}

std::string Reason(CURLcode code, const char* problem, const DownloadOptions& options) {
  if (code == CURLE_WRITE_ERROR) return fmt::format("it has more than {} bytes", options.most_bytes);
  return problem[0] != '\0' ? problem : curl_easy_strerror(code);
}

}  // namespace

std::string WithoutCredentials(const std::string& url) {
  const std::size_t host = url.find("://");
  if (host == std::string::npos) return url;
  const std::size_t at = url.find_last_of('@', url.find('/', host + 3));
  return at == std::string::npos || at < host ? url : url.substr(0, host + 3) + url.substr(at + 1);
}

std::string Download(const std::string& url, const DownloadOptions& options) {
  const std::string protocols = ProtocolsFor(url);
  const TransferPart<CURL> curl(curl_easy_init());
  Arriving arriving{"", options.most_bytes};
  char problem[CURL_ERROR_SIZE] = "";
  const TransferPart<curl_slist> headers(
      options.accept.empty() ? nullptr : curl_slist_append(nullptr, ("Accept: " + options.accept).c_str()));
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  Allow(curl.get(), protocols);
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_ACCEPT_ENCODING, "");  // whatever the library can undo
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "migproof");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Take);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &arriving);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, kSlowBytesPerSecond);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_timeout_ms / 1'000));
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, problem);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    throw Error(ErrorKind::kServer,
                fmt::format("'{}' can't be fetched: {}", WithoutCredentials(url), Reason(code, problem, options)));
  }
  return std::move(arriving.bytes);
}

}  // namespace migproof
