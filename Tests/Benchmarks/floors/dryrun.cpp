// The floor of dispatch: the dry runs of the benchmark with simdjson. Decodes each line, validates
// every argument, finds the connection, plans the request and writes the response, on one thread.
#include <simdjson.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

using simdjson::ondemand::object;
using simdjson::ondemand::value;
using std::string_view;

namespace {

constexpr size_t chunkBytes = 1 << 20;
constexpr int64_t maximumID = int64_t(1) << 62;
constexpr int64_t maximumPage = (int64_t(1) << 31) - 1;

struct Invalid : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::map<string_view, string_view> connections;

int64_t inRange(int64_t number, int64_t maximum) {
  if (number < 1 || number > maximum) throw Invalid("The number is out of range.");
  return number;
}

// An id may also be a string of digits.
int64_t identifier(value given) {
  if (given.type() == simdjson::ondemand::json_type::number) return inRange(given, maximumID);
  string_view text = given.get_string();
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) throw Invalid("It must be an integer.");
  return inRange(number, maximumID);
}

template <size_t count>
string_view choice(value given, const string_view (&options)[count]) {
  string_view text = given.get_string();
  for (string_view option : options) {
    if (text == option) return option;
  }
  throw Invalid("There is no such choice.");
}

// Choices of list_devices and update_target_scan_scope.
constexpr string_view riskLevels[] = {"all", "critical", "nonvisible", "secure", "vulnerable"};
constexpr string_view scanTypes[] = {"all", "discovered", "scanned"};
constexpr string_view scopes[] = {"all", "external", "internal"};
constexpr string_view sortColumns[] = {"discoveredOn", "lastScanned", "name"};
constexpr string_view directions[] = {"ascending", "descending"};
constexpr string_view sources[] = {"agentbased", "agentless", "all", "nessusimport"};
constexpr string_view scanScopes[] = {"in", "out"};

struct Plan {
  string_view method = "GET", path, suffix;
  int64_t id = 0, tenant = 0;
  string_view scope;
  std::string query;

  void add(string_view name, string_view text) {
    query.append(query.empty() ? "?" : "&").append(name).append("=").append(text);
  }
  void add(string_view name, int64_t number) { add(name, string_view(std::to_string(number))); }
  void add(string_view name, bool is) { add(name, string_view(is ? "true" : "false")); }
};

void addText(Plan &plan, string_view name, string_view text) {
  if (text.empty()) throw Invalid("It must be a string that is not empty.");
  std::string escaped;
  for (unsigned char byte : text) {
    char code[4];
    if (isalnum(byte) || strchr("-._~", byte)) escaped += char(byte);
    else escaped.append(code, size_t(snprintf(code, sizeof code, "%%%02X", byte)));
  }
  plan.add(name, string_view(escaped));
}

void filter(object members, Plan &plan) {
  for (auto member : members) {
    string_view name = member.unescaped_key();
    value given = member.value();
    if (name == "riskLevel") plan.add(name, choice(given, riskLevels));
    else if (name == "pageSize") plan.add(name, inRange(given, maximumPage));
    else if (name == "sortColumn") plan.add(name, choice(given, sortColumns));
    else if (name == "scanType") plan.add(name, choice(given, scanTypes));
    else if (name == "scannerId") plan.add(name, identifier(given));
    else if (name == "scope") plan.add(name, choice(given, scopes));
    else if (name == "showDevicesWithNoApps") plan.add(name, bool(given));
    else if (name == "sortDirection") plan.add(name, choice(given, directions));
    else if (name == "source") plan.add(name, choice(given, sources));
    else if (name == "ip") addText(plan, "filter", given);
    else throw Invalid("There is no such parameter.");
  }
}

void arguments(string_view command, object members, Plan &plan) {
  string_view idName;
  bool isList = command == "list_devices";
  if (isList) {
    plan.path = "/api/console/elements/devices/";
  } else if (command == "get_technical_context") {
    plan.path = "/api/console/elements/contexts/technical/", plan.suffix = "/", idName = "context_id";
  } else if (command == "list_device_users") {
    plan.path = "/api/console/elements/device/", plan.suffix = "/users/", idName = "device_id";
  } else if (command == "update_target_scan_scope") {
    plan.path = "/api/console/scanSurface/currentTargets/", plan.suffix = "/", idName = "target_id";
    plan.method = "PATCH";
  } else {
    throw Invalid("There is no such command.");
  }
  for (auto member : members) {
    string_view name = member.unescaped_key();
    value given = member.value();
    if (name == "footprint_tenant_id") plan.tenant = identifier(given);
    else if (!isList && name == idName) plan.id = identifier(given);
    else if (isList && name == "page") plan.add(name, inRange(given, maximumPage));
    else if (isList && name == "filter") filter(given.get_object(), plan);
    else if (plan.method == "PATCH" && name == "scope") plan.scope = choice(given, scanScopes);
    else throw Invalid("There is no such parameter.");
  }
  if (!isList && plan.id == 0) throw Invalid("The ID is required.");
  if (plan.method == "PATCH" && plan.scope.empty()) throw Invalid("The scope is required.");
}

void write(const Plan &plan, string_view base, std::string &output) {
  output.append(R"({"return_data":"Successful","dry_run":true,"requests":[{"method":")");
  output.append(plan.method).append(R"(","url":")").append(base).append(plan.path);
  if (plan.id) output.append(std::to_string(plan.id)).append(plan.suffix);
  output.append(plan.query).append(R"(","headers":{"Accept":"application/json")");
  if (plan.tenant) {
    output.append(R"(,"FootprintTenantId":")").append(std::to_string(plan.tenant)).append("\"");
  }
  output.append(R"(,"Authorization":"[redacted]"})");
  if (!plan.scope.empty()) {
    output.insert(output.size() - 1, R"(,"Content-Type":"application/json")");
    output.append(R"(,"body":{"scope":")").append(plan.scope == "in" ? "IN" : "OUT").append("\"}");
  }
  output.append("}]}");
}

void answer(simdjson::ondemand::document &document, std::string &output) {
  std::string id(string_view(document["id"].raw_json_token()));
  while (id.back() == ' ' || id.back() == ',') id.pop_back();
  output.append(R"({"jsonrpc":"2.0","id":)").append(id);
  try {
    if (string_view(document["method"]) != "invoke") throw Invalid("There is no such method.");
    object params = document["params"].get_object();
    if (string_view(params["integration"]) != "coda_footprint") throw Invalid("No such integration.");
    string_view command = params["command"];
    auto connection = connections.find(string_view(params["connection"]));
    if (connection == connections.end()) throw Invalid("There is no such connection.");
    Plan plan;
    arguments(command, params["arguments"].get_object(), plan);
    if (!bool(params["options"]["dry_run"])) throw Invalid("This program only plans requests.");
    output.append(R"(,"result":)");
    write(plan, connection->second, output);
  } catch (const std::exception &problem) {
    output.append(R"(,"error":{"code":-32602,"message":")").append(problem.what()).append("\"}");
  }
  output.append("}\n");
}

void flush(std::string &output) {
  for (size_t written = 0; written < output.size();) {
    ssize_t count = ::write(STDOUT_FILENO, output.data() + written, output.size() - written);
    if (count < 0) exit(1);
    written += size_t(count);
  }
  output.clear();
}

}  // namespace

int main(int count, char **words) {
  if (count != 3) return 2;
  simdjson::dom::parser settings;
  simdjson::dom::object file = settings.load(words[2])["connections"];
  for (auto entry : file) connections[entry.key] = entry.value["settings"]["server_url"];
  simdjson::ondemand::parser parser;
  std::string buffer, output;
  size_t used = 0;
  for (;;) {
    buffer.resize(used + chunkBytes + simdjson::SIMDJSON_PADDING);
    ssize_t bytes = read(STDIN_FILENO, buffer.data() + used, chunkBytes);
    if (bytes <= 0) break;
    used += size_t(bytes);
    size_t start = 0;
    while (void *end = memchr(buffer.data() + start, '\n', used - start)) {
      size_t length = size_t(static_cast<char *>(end) - buffer.data()) - start;
      auto document = parser.iterate(buffer.data() + start, length, buffer.size() - start);
      answer(document.value(), output);
      start += length + 1;
    }
    memmove(buffer.data(), buffer.data() + start, used - start);
    used -= start;
    flush(output);
  }
  return 0;
}
