import JSON

/// A request of a program to the host. Must be answered once.
struct ChildRequest: Sendable {
  private let id: JSONFragment
  let method: String
  let params: JSON?
  /// Of its line.
  let bytes: Int
  private let peer: ChildPeer

  private let afterwards: @Sendable () -> Void

  init(
    id: JSONFragment, method: String, params: JSON?, bytes: Int, peer: ChildPeer
  ) {
    (self.id, self.method, self.params, self.peer) = (id, method, params, peer)
    self.bytes = bytes
    afterwards = {}
  }

  /// The same request, with work after its response.
  init(_ request: ChildRequest, afterwards: @escaping @Sendable () -> Void) {
    (id, method, params, peer) = (request.id, request.method, request.params, request.peer)
    bytes = request.bytes
    self.afterwards = afterwards
  }

  func result(_ write: (inout JSONWriter) -> Void) {
    peer.sendResponse { writer in
      writer.object {
        $0.literal(#""jsonrpc":"2.0","id":"#)
        $0.value(id)
        $0.name("result")
        write(&$0)
      }
    }
    afterwards()
    peer.answered(self)
  }

  func error(_ code: Int, _ message: String, data: ((inout JSONWriter) -> Void)? = nil) {
    peer.sendResponse { writer in
      writer.object {
        $0.literal(#""jsonrpc":"2.0","id":"#)
        $0.value(id)
        $0.name("error")
        $0.object {
          $0.member("code", code)
          $0.member("message", message)
          guard let data else { return }
          $0.name("data")
          data(&$0)
        }
      }
    }
    afterwards()
    peer.answered(self)
  }
}
