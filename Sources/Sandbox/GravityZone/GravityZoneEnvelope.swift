import Basics
import HTTPServer
import JSON

/// The JSON-RPC 2.0 envelope of a call.
struct GravityZoneEnvelope {
  private let json: Result<JSON, GravityZoneError>

  /// Limits recursion: the stack of a connection's thread is small, and the vendor's bodies are
  /// flat.
  private static let maximumDepth = 64

  static func parse(_ body: [UInt8]) throws(JSONError) -> JSON {
    try JSON.parse(body, limits: JSONLimits(depth: maximumDepth))
  }

  init(_ body: [UInt8]) {
    do {
      json = .success(try Self.parse(body))
    } catch {
      json = .failure(.parseError)
    }
  }

  /// Failed calls count against the rate limit, too.
  var bucket: GravityZoneLimits.Bucket {
    let name = (try? json.get())?["method"]?.string ?? ""
    return GravityZoneMethod(rawValue: name)?.bucket ?? .others
  }

  func respond(
    errorsAsStatus: Bool, _ perform: (JSON) throws(GravityZoneError) -> JSONFragment
  ) -> HTTPServer.Response {
    let id = (try? json.get())?["id"]
    do {
      let result = try perform(try checked())
      return .json(
        200,
        JSONFragment { writer in
          writer.object { writer in
            Self.writeHead(id: id, to: &writer)
            writer.member("result", result)
          }
        })
    } catch {
      return .json(errorsAsStatus ? error.status : 200, Self.error(error, id: id))
    }
  }

  /// The validated envelope. `id` and `params` are mandatory, too.
  private func checked() throws(GravityZoneError) -> JSON {
    let json = try self.json.get()
    guard json.kind == .object else { throw .invalidRequest("jsonrpc") }
    guard json["jsonrpc"]?.string == "2.0" else { throw .invalidRequest("jsonrpc") }
    guard let id = json["id"], id.kind == .string || id.kind == .number else {
      throw .invalidRequest("id")
    }
    guard json["method"]?.string != nil else { throw .invalidRequest("method") }
    guard json["params"]?.kind == .object else { throw .invalidRequest("params") }
    return json
  }

  /// - Parameter id: of the request, if it could be read.
  static func error(_ error: GravityZoneError, id: JSON?) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writeHead(id: id, to: &writer)
        writer.name("error")
        writer.object { writer in
          writer.member("code", error.code)
          writer.member("message", error.message)
          writer.name("data")
          writer.object { $0.member("details", error.details) }
        }
      }
    }
  }

  private static func writeHead(id: JSON?, to writer: inout JSONWriter) {
    writer.name("id")
    if let id { writer.value(id) } else { writer.null() }
    writer.member("jsonrpc", "2.0")
  }
}
