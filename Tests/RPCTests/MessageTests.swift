import Basics
import Testing

@testable import RPC

@Suite struct MessageTests {
  @Test(arguments: [
    (#"{"jsonrpc":"2.0","id":1.50,"method":"m"}"#, "1.50"),
    (#"{"jsonrpc":"2.0","id":18446744073709551617,"method":"m"}"#, "18446744073709551617"),
    (#"{"jsonrpc":"2.0","id":"caf\u00e9","method":"m"}"#, #""caf\u00e9""#),
    (#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, "null"),
  ])
  func anIDKeepsItsText(line: String, id: String) throws {
    guard case .call(let call) = Message(try JSON.parse(line)) else {
      Issue.record("\(line) is a call")
      return
    }
    #expect(call.id?.text == id)
  }

  @Test(arguments: [
    ("1", 0, "null"), (#"{"jsonrpc":"1.0","id":7,"method":"m"}"#, 11, "7"),
    (#"{"jsonrpc":"2.0","id":[],"method":"m"}"#, 22, "null"),
    (#"{"jsonrpc":"2.0","id":7,"method":1}"#, 33, "7"),
    (#"{"jsonrpc":"2.0","id":7,"method":"m","params":3}"#, 46, "7"),
    (#"{"id":7}"#, 0, "7"),
  ])
  func aWrongEnvelopeHasItsPlaceAndItsID(line: String, offset: Int, id: String) throws {
    guard case .invalid(let found, _, let place) = Message(try JSON.parse(line)) else {
      Issue.record("\(line) is no call")
      return
    }
    #expect(place == offset)
    #expect(found.text == id)
  }

  @Test(arguments: [#"{"jsonrpc":"2.0","id":1,"result":{}}"#, #"{"id":1,"error":{}}"#])
  func aResponseIsTakenForOne(line: String) throws {
    guard case .response = Message(try JSON.parse(line)) else {
      Issue.record("\(line) is shaped like a response")
      return
    }
  }
}
