import Basics
import JSON
import RPC
import Testing

@Suite struct MessageTests {
  @Test(arguments: [
    (#"{"jsonrpc":"2.0","id":1,"method":"m"}"#, "1", "m", nil),
    (#"{"jsonrpc":"2.0","id":1.50,"method":"m","params":{"a":1}}"#, "1.50", "m", #"{"a":1}"#),
    (#"{"params":[],"method":"\u006d","id":"x","jsonrpc":"2\u002e0"}"#, #""x""#, "m", "[]"),
    (#"{"jsonrpc":"2.0","id":null,"method":""}"#, "null", "", nil),
    (#"{"jsonrpc":"2.0","method":"m"}"#, nil, "m", nil),
    // Extra members.
    (#"{"jsonrpc":"2.0","method":"m","result":1,"x":2}"#, nil, "m", nil),
    (#"{"jsonrpc":"2.0","id":1,"method":"m","id":2}"#, "2", "m", nil),
  ])
  func `a request has its members`(line: String, id: String?, method: String, params: String?)
    throws
  {
    guard case .call(let call) = Message(try JSON.parse(line)) else {
      Issue.record("\(line) is a call")
      return
    }
    #expect(call.id?.text == id)
    #expect(call.method == method)
    #expect(call.params?.sourceText == params)
  }

  struct Fault: Sendable {
    let line: String
    let reason: String
    let offset: Int
    let id: String

    init(_ line: String, _ reason: String, at offset: Int, id: String = "null") {
      self.line = line
      self.reason = reason
      self.offset = offset
      self.id = id
    }
  }

  private static let faults = [
    Fault("1", "a request must be an object", at: 0),
    Fault(#"  "m""#, "a request must be an object", at: 2),
    Fault("[[]]", "a request must be an object", at: 0),
    Fault("null", "a request must be an object", at: 0),
    Fault("{}", #"jsonrpc must be "2.0""#, at: 0),
    Fault(#" {"id":7}"#, #"jsonrpc must be "2.0""#, at: 1, id: "7"),
    Fault(#"{"jsonrpc":"1.0","id":7,"method":"m"}"#, #"jsonrpc must be "2.0""#, at: 11, id: "7"),
    Fault(
      #"{"jsonrpc":2.0,"id":"a","method":"m"}"#, #"jsonrpc must be "2.0""#, at: 11, id: #""a""#),
    Fault(#"{"id":7,"method":"m"}"#, #"jsonrpc must be "2.0""#, at: 0, id: "7"),
    Fault(
      #"{"jsonrpc":"2.0","id":[],"method":"m"}"#, "id must be a string, a number or null", at: 22),
    Fault(
      #"{"jsonrpc":"2.0","id":{"a":1},"method":"m"}"#, "id must be a string, a number or null",
      at: 22),
    Fault(
      #"{"jsonrpc":"2.0","id":true,"method":"m"}"#, "id must be a string, a number or null", at: 22),
    Fault(#"{"jsonrpc":"2.0","id":7}"#, "method must be a string", at: 0, id: "7"),
    Fault(#"{"jsonrpc":"2.0","id":7,"method":1}"#, "method must be a string", at: 33, id: "7"),
    Fault(#"{"jsonrpc":"2.0","method":null,"result":1}"#, "method must be a string", at: 26),
    Fault(
      #"{"jsonrpc":"2.0","id":7,"method":"m","params":3}"#, "params must be an object or an array",
      at: 46, id: "7"),
    Fault(
      #"{"jsonrpc":"2.0","id":7,"method":"m","params":"é"}"#,
      "params must be an object or an array", at: 46, id: "7"),
    Fault(
      #"{"jsonrpc":"2.0","method":"m","params":null}"#, "params must be an object or an array",
      at: 39),
  ]

  @Test(arguments: faults)
  func `an invalid envelope has a reason, an offset and an id`(_ fault: Fault) throws {
    guard case .invalid(let id, let reason, let offset) = Message(try JSON.parse(fault.line)) else {
      Issue.record("\(fault.line) is no call")
      return
    }
    #expect(reason == fault.reason)
    #expect(offset == fault.offset)
    #expect(id.text == fault.id)
  }

  @Test(arguments: [
    #"{"jsonrpc":"2.0","id":1,"result":{}}"#, #"{"id":1,"error":{}}"#, #"{"result":null}"#,
    #"{"jsonrpc":"1.0","id":[],"error":1}"#,
  ])
  func `a message shaped like a response is treated as one`(line: String) throws {
    guard case .response = Message(try JSON.parse(line)) else {
      Issue.record("\(line) is shaped like a response")
      return
    }
  }
}
