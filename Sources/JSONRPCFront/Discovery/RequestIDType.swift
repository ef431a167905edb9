import Basics
import IntegrationKit
import JSON
import RPC

/// The type of a request id: a string or a number.
struct RequestIDType: ParameterType {
  var placeholder: RequestID { .null }

  func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> RequestID? {
    guard let id = RequestID(json), !id.isNull else {
      faults.append(ParameterProblem("must be the id of a request, a string or a number"))
      return nil
    }
    return id
  }

  func writeSchema(to writer: inout JSONWriter) {
    writer.name("type")
    writer.array {
      $0.string("string")
      $0.string("number")
    }
  }

  func write(_ value: RequestID, to writer: inout JSONWriter) { value.write(to: &writer) }
}

extension ParameterType where Self == RequestIDType {
  static var requestID: RequestIDType { RequestIDType() }
}
