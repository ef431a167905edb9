import Basics
import Delivery
import FileStore
import HTTP
import IntegrationKit
import JSON
import Redaction

/// Answers the requests of the program of a plugin: it sends HTTP requests, keeps files and tokens, and writes
/// to the log.
enum Broker {
  /// A request that a dry run does not send.
  static let dryRunCode = -32001
  private static let invalidParams = -32602
  private static let failed = -32000
  private static let maximumTokenBytes = 16 * 1_024

  static let methods = ["host/http", "host/secret", "host/file_put", "host/file_get", "host/log"]

  /// Answers now, or later from a task.
  static func answer(_ request: ChildRequest, from peer: ChildPeer, log: Log) {
    switch request.method {
    case "host/log": writeLog(request, of: peer, log)
    case "host/http", "host/secret", "host/file_put", "host/file_get":
      guard let call = call(of: request, on: peer) else {
        return refuse(request, "/invocation: must be the id of an invoke in flight")
      }
      let isTaken = call.answer {
        switch request.method {
        case "host/http": await send(request, for: call)
        case "host/secret": registerToken(request, for: call)
        case "host/file_put": await putFile(request, for: call)
        default: await getFile(request, for: call)
        }
      }
      if !isTaken, call.isDryRun {
        request.error(dryRunCode, "This is a dry run: the request is not sent.")
      } else if !isTaken {
        fail(
          request, call,
          CommandError(.cancelled, "The invocation has ended.", remedy: "Stop working on it."))
      }
    default:
      request.error(
        -32601, "Method not found.",
        data: { writer in
          writer.object {
            $0.member("method", String(request.method.prefix(200)))
            $0.member(
              ifPresent: "did_you_mean", Suggestion.closest(to: request.method, among: methods))
          }
        })
    }
  }

  /// The call that a request belongs to. A token may leave it out while only one call runs.
  private static func call(of request: ChildRequest, on peer: ChildPeer) -> PluginCall? {
    guard let id = request.params?["invocation"], !id.isNull else {
      return request.method == "host/secret" ? peer.onlyWaiter as? PluginCall : nil
    }
    guard let number = id.integer ?? id.string.flatMap({ Int64($0) }) else { return nil }
    return peer.waiter(number) as? PluginCall
  }

  // MARK: host/http

  private static func send(_ request: ChildRequest, for call: PluginCall) async {
    let brokered: BrokeredRequest
    do throws(ParameterProblems) {
      brokered = try BrokeredRequest.shape.decode(request.params) { BrokeredRequest(&$0) }
    } catch {
      return refuse(request, error.lines(prefix: "").joined(separator: "; "))
    }
    // Before any value is filled in: a placeholder in the origin would send a secret elsewhere.
    let origin = brokered.url.prefix { $0 != "?" && $0 != "#" }
    guard call.client.isAllowed(brokered.url), !hasPlaceholderInOrigin(origin) else {
      let allowed = call.client.originTexts
      return fail(
        request, call,
        CommandError(
          .policy,
          "The plugin may not send a request to \(String(origin.prefix(200))).",
          remedy: allowed.isEmpty
            ? "The connection has no setting with \"format\":\"uri\"."
            : "Allowed are the origins of \(allowed.joined(separator: ", "))."))
    }
    // A dry run gets no tokens, so none is registered.
    if !call.isDryRun,
      let unknown = brokered.secretNames.first(where: { !call.client.isSecret($0) })
    {
      return refuse(request, "{{secret:\(unknown.prefix(100))}}: unknown secret")
    }
    do throws(BrokeredRequest.Refusal) {
      guard !call.isDryRun else { return try plan(brokered, request, call) }
      do throws(CommandError) {
        let values = try await values(of: brokered.secretNames, for: call)
        let filled: HTTPRequest
        do throws(BrokeredRequest.Refusal) {
          filled = try brokered.request { values[$0] ?? "" }
        } catch {
          return refuse(request, error.message)
        }
        answer(request, try await exchange(filled, for: call), call)
      } catch {
        fail(request, call, error)
      }
    } catch {
      refuse(request, error.message)
    }
  }

  private static func hasPlaceholderInOrigin(_ url: Substring) -> Bool {
    guard let authority = url.firstRange(of: "://") else { return true }
    let host = url[authority.upperBound...].prefix { $0 != "/" }
    return SecretPlaceholder.isContained(in: String(url[..<authority.lowerBound] + host))
  }

  private static func plan(
    _ brokered: BrokeredRequest, _ request: ChildRequest, _ call: PluginCall
  ) throws(BrokeredRequest.Refusal) {
    guard !brokered.isSignIn else {
      return request.result { writer in
        writer.object {
          $0.member("status", 200)
          $0.name("headers")
          $0.object { _ in }
          $0.name("json")
          $0.object { _ in }
        }
      }
    }
    call.add(.planned(try brokered.plan()), bytes: 0)
    request.error(dryRunCode, "This is a dry run: the request is not sent.")
  }

  private static func values(
    of names: Set<String>, for call: PluginCall
  ) async throws(CommandError) -> [String: String] {
    var values: [String: String] = [:]
    for name in names { values[name] = try await call.client.secret(name, in: call.invocation) }
    return values
  }

  private static func exchange(
    _ request: HTTPRequest, for call: PluginCall
  ) async throws(CommandError) -> HTTPResponse {
    let trace = call.client.plugin.context.trace
    let shown = call.client.connection.secrets.redact(request.url)
    trace?.note(.request("\(request.method.rawValue) \(shown)"))
    let start = MonotonicTime.now
    do throws(CommandError) {
      let response = try await call.send(request)
      trace?.note(
        .response(
          status: response.status, bytes: response.body.count,
          milliseconds: MonotonicTime.now.milliseconds(since: start)))
      return response
    } catch {
      trace?.note(.refused(error.message))
      throw error
    }
  }

  private static func answer(
    _ request: ChildRequest, _ response: HTTPResponse, _ call: PluginCall
  ) {
    let secrets = call.client.connection.secrets
    let type = response.header("content-type")?.lowercased() ?? ""
    let body = secrets.redact(response.body)
    // Escape sequences in JSON can hide a secret from a search of the bytes.
    let json =
      type.contains("json") && !body.isEmpty ? (try? JSON.parse(body)).map(JSONFragment.init) : nil
    request.result { writer in
      writer.object { writer in
        writer.member("status", response.status)
        writer.name("headers")
        writer.object { writer in
          var names: [String] = []
          for header in response.headers where !names.contains(header.name) {
            names.append(header.name)
            let values = response.headers.filter { $0.name == header.name }.map(\.value)
            writer.name(text: header.name)
            writer.string(secrets.redact(values.joined(separator: ", ")))
          }
        }
        if let json {
          writer.member("json", JSONFragment(trusted: secrets.redact(json: json.bytes)))
        } else {
          write(body, to: &writer)
        }
      }
    }
  }

  private static func write(_ body: [UInt8], to writer: inout JSONWriter) {
    guard !body.isEmpty else { return }
    if let text = String(validating: body, as: UTF8.self), !body.contains(0) {
      writer.member("body", text)
    } else {
      writer.member("body_base64", Base64.encode(body))
    }
  }

  // MARK: host/secret

  private static func registerToken(_ request: ChildRequest, for call: PluginCall) {
    guard hasOnly(["name", "value"], request) else { return }
    guard let name = request.params?["name"]?.string, !name.isEmpty, name.utf8.count <= 128,
      !name.contains("}")
    else { return refuse(request, "/name: must be a string of 1 to 128 bytes, without }") }
    guard let value = request.params?["value"]?.string, !value.isEmpty,
      value.utf8.count <= maximumTokenBytes
    else {
      return refuse(request, "/value: must be a string of 1 to \(maximumTokenBytes) bytes")
    }
    if let refusal = call.client.register(value, as: name) { return refuse(request, refusal) }
    request.result { $0.object { $0.member("placeholder", SecretPlaceholder.text(of: name)) } }
  }

  // MARK: Files

  private static func putFile(_ request: ChildRequest, for call: PluginCall) async {
    guard hasOnly(["name", "path", "content_base64", "content_type", "source"], request) else {
      return
    }
    guard !call.isDryRun else {
      return request.error(dryRunCode, "This is a dry run: no file is stored.")
    }
    guard request.params?["path"] == nil else {
      return fail(
        request, call,
        CommandError(.policy, "A plugin may not store files by path.", remedy: "Send the content."))
    }
    guard let name = request.params?["name"]?.string, !name.isEmpty else {
      return refuse(request, "/name: is required")
    }
    guard let text = request.params?["content_base64"]?.stringBytes,
      let content = try? text.withUnsafeBufferPointer({ try Base64.decode($0) })
    else { return refuse(request, "/content_base64: must be a string in Base64") }
    do throws(CommandError) {
      let file = try await call.invocation.store(
        content, name: name,
        contentType: request.params?["content_type"]?.string ?? "application/octet-stream")
      call.remember(file: file.id)
      request.result { file.write(to: &$0, withPath: false) }
    } catch {
      fail(request, call, error)
    }
  }

  private static func getFile(_ request: ChildRequest, for call: PluginCall) async {
    guard hasOnly(["file_id", "offset", "length"], request) else { return }
    guard let id = request.params?["file_id"]?.string else {
      return refuse(request, "/file_id: is required")
    }
    guard call.mayRead(file: id) else {
      return fail(
        request, call,
        CommandError(
          .policy, "The plugin may not read the file \(id.prefix(64)).",
          remedy: "A plugin reads files that the arguments name, and its own."))
    }
    let offset = Int(clamping: request.params?["offset"]?.integer ?? 0)
    let length = Int(clamping: request.params?["length"]?.integer ?? defaultChunkBytes)
    guard offset >= 0, (1...maximumChunkBytes).contains(length) else {
      return refuse(
        request, "offset must be 0 or more, length from 1 to \(maximumChunkBytes)")
    }
    do throws(CommandError) {
      guard let file = try await call.invocation.file(id) else {
        throw CommandError(.notFound, "There is no file \(id.prefix(64)).")
      }
      let content = try await call.invocation.content(of: file)
      guard offset <= content.count else {
        return refuse(request, "/offset: the file has \(content.count) bytes")
      }
      let piece = content[offset..<min(content.count, offset + length)]
      request.result { writer in
        writer.object {
          $0.member("file_id", id)
          $0.member("offset", offset)
          $0.member("length", piece.count)
          $0.member("size", content.count)
          $0.member("content_base64", Base64.encode(Array(piece)))
          $0.member("eof", piece.endIndex == content.count)
        }
      }
    } catch {
      fail(request, call, error)
    }
  }

  private static let defaultChunkBytes: Int64 = 1_024 * 1_024
  private static let maximumChunkBytes = 4 * 1_024 * 1_024

  // MARK: host/log

  private static func writeLog(_ request: ChildRequest, of peer: ChildPeer, _ log: Log) {
    let name = request.params?["level"]?.string ?? "info"
    guard let level = LogLevel.allCases.first(where: { $0.name == name }) else {
      return refuse(
        request,
        "/level: unknown value; expected one of: "
          + LogLevel.allCases.map(\.name).joined(separator: ", "))
    }
    guard let message = request.params?["message"]?.string else {
      return refuse(request, "/message: is required")
    }
    peer.logLine(level) { message }
    request.result { $0.object { _ in } }
  }

  // MARK: Errors

  static func refuse(_ request: ChildRequest, tooMany maximum: Int) {
    fail(
      request, indicator: "The request \(request.method) failed.", nil,
      CommandError(
        .unavailable, "The plugin has more than \(maximum) requests in flight.",
        isRetryable: true, remedy: "Wait for their responses."))
  }

  /// Refuses a request with members that its method does not have.
  private static func hasOnly(_ names: [String], _ request: ChildRequest) -> Bool {
    for member in request.params?.members.map({ $0 }) ?? [] {
      let name = member.name.string ?? ""
      guard !names.contains(name), name != "invocation" else { continue }
      let suggestion = Suggestion.closest(to: name, among: names).map {
        "; did you mean \"\($0)\"?"
      }
      refuse(request, "/\(name.prefix(100)): unknown parameter\(suggestion ?? "")")
      return false
    }
    return true
  }

  private static func refuse(_ request: ChildRequest, _ message: String) {
    request.error(
      invalidParams, message,
      data: { writer in
        writer.object {
          $0.member("return_data", "Failed")
          CommandError(.validation, message).writeMembers(
            to: &$0, indicator: "The request \(request.method) failed.")
        }
      })
  }

  private static func fail(_ request: ChildRequest, _ call: PluginCall, _ error: CommandError) {
    fail(request, indicator: call.failure, call.client.connection.secrets, error)
  }

  private static func fail(
    _ request: ChildRequest, indicator: String, _ secrets: Redactor?, _ error: CommandError
  ) {
    request.error(
      failed, secrets?.redact(error.message) ?? error.message,
      data: { writer in
        let data = JSONFragment { writer in
          writer.object {
            $0.member("return_data", "Failed")
            error.writeMembers(to: &$0, indicator: indicator)
          }
        }
        writer.value(JSONFragment(trusted: secrets?.redact(json: data.bytes) ?? data.bytes))
      })
  }
}
