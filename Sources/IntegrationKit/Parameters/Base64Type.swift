import Basics
import JSON

/// Bytes as Base64 (RFC 4648 section 4). Padding is optional.
public struct Base64Type: ParameterType {
  public var placeholder: [UInt8] { [] }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> [UInt8]? {
    guard let text = json.stringBytes else {
      faults.append(ParameterProblem("must be a string"))
      return nil
    }
    let outcome = text.withUnsafeBufferPointer { text in
      Result { () throws(Base64Error) in try Base64.decode(text) }
    }
    switch outcome {
    case .success(let bytes): return bytes
    case .failure(let error):
      faults.append(ParameterProblem("invalid Base64: it \(error.reason), at byte \(error.offset)"))
      return nil
    }
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.member("contentEncoding", "base64")
  }

  public func write(_ value: [UInt8], to writer: inout JSONWriter) {
    writer.string(Base64.encode(value))
  }
}

extension ParameterType where Self == Base64Type {
  public static var base64: Base64Type { Base64Type() }
}
