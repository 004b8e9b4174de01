// VkFFT on a Vulkan adapter, as src/library.rs calls it.
//
// What can fail returns how it failed, or null. Whatever was made by then goes with `vkfft_drop` and `vkfft_close`, which take
// half-made things and null.

#define VKFFT_BACKEND 0
#include <vkFFT.h>

#include <cstring>
#include <vector>

#define TRY(call) \
    if ((call) != VK_SUCCESS) return #call " failed"
#define TRY_VKFFT(call) \
    if (VkFFTResult failure = (call)) return getVkFFTErrorString(failure)

// As the Vulkan specification has them: of 256 bytes, and ended by a zero.
struct Adapter {
    char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
    char driver[VK_MAX_DRIVER_NAME_SIZE];
    char driver_info[VK_MAX_DRIVER_INFO_SIZE];
};

struct Engine {
    VkInstance instance;
    std::vector<VkPhysicalDevice> adapters;
    VkPhysicalDevice adapter;
    VkDevice device;
    VkQueue queue;
    VkCommandPool pool;
    VkFence fence;
    bool has_compiler;
};

// Forward transforms from `input` into `output`; `commands` is the whole of them.
struct Plan {
    Engine *engine;
    VkFFTApplication application;
    bool is_initialized;
    pfUINT bytes;
    VkBuffer input, output;
    VkDeviceMemory input_memory, output_memory;
    VkCommandBuffer commands;
};

extern "C" {

int vkfft_version() { return VkFFTGetVersion(); }

const char *vkfft_open(Engine **made) {
    Engine *engine = *made = new Engine{};
    VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
    application.apiVersion = VK_API_VERSION_1_2;
    VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
    info.pApplicationInfo = &application;
    TRY(vkCreateInstance(&info, nullptr, &engine->instance));
    uint32_t count = 0;
    TRY(vkEnumeratePhysicalDevices(engine->instance, &count, nullptr));
    engine->adapters.resize(count);
    TRY(vkEnumeratePhysicalDevices(engine->instance, &count, engine->adapters.data()));
    glslang_initialize_process();
    engine->has_compiler = true;
    return nullptr;
}

// Whether there are so many adapters; says what the one at `index` is called.
bool vkfft_adapter(const Engine *engine, size_t index, Adapter *adapter) {
    if (index >= engine->adapters.size()) return false;
    VkPhysicalDeviceDriverProperties driver{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    vkGetPhysicalDeviceProperties(engine->adapters[index], &properties.properties);
    if (properties.properties.apiVersion >= VK_API_VERSION_1_2) {
        properties.pNext = &driver;
        vkGetPhysicalDeviceProperties2(engine->adapters[index], &properties);
    }
    memcpy(adapter->name, properties.properties.deviceName, sizeof adapter->name);
    memcpy(adapter->driver, driver.driverName, sizeof adapter->driver);
    memcpy(adapter->driver_info, driver.driverInfo, sizeof adapter->driver_info);
    return true;
}

// A device of the adapter at `index`, with the first queue that computes and no optional features, which f32 does not need.
const char *vkfft_choose(Engine *engine, size_t index) {
    engine->adapter = engine->adapters[index];
    uint32_t count = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(engine->adapter, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    vkGetPhysicalDeviceQueueFamilyProperties(engine->adapter, &count, families.data());
    uint32_t family = 0;
    while (family < count && !(families[family].queueFlags & VK_QUEUE_COMPUTE_BIT)) family++;
    if (family == count) return "the adapter has no queue that computes";

    float priority = 1;
    VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
    queue.queueFamilyIndex = family;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    VkDeviceCreateInfo device{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
    device.queueCreateInfoCount = 1;
    device.pQueueCreateInfos = &queue;
    TRY(vkCreateDevice(engine->adapter, &device, nullptr, &engine->device));
    vkGetDeviceQueue(engine->device, family, 0, &engine->queue);

    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    pool.queueFamilyIndex = family;
    TRY(vkCreateCommandPool(engine->device, &pool, nullptr, &engine->pool));
    VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    TRY(vkCreateFence(engine->device, &fence, nullptr, &engine->fence));
    return nullptr;
}

// The transforms of the rows of `values`, rows × columns interleaved complex numbers, or of both axes: planned, with
// `values` on the device, and recorded.
const char *vkfft_plan(Engine *engine, uint64_t rows, uint64_t columns, bool both_axes, const float *values, Plan **made) {
    Plan *plan = *made = new Plan{};
    plan->engine = engine;
    plan->bytes = rows * columns * 2 * sizeof(float);

    VkFFTConfiguration configuration{};
    configuration.physicalDevice = &engine->adapter;
    configuration.device = &engine->device;
    configuration.queue = &engine->queue;
    configuration.commandPool = &engine->pool;
    configuration.fence = &engine->fence;
    configuration.FFTdim = both_axes ? 2 : 1;
    configuration.size[0] = columns;
    if (both_axes) {
        configuration.size[1] = rows;
    } else {
        configuration.numberBatches = rows;
    }
    configuration.isCompilerInitialized = 1;
    configuration.makeForwardPlanOnly = 1;
    configuration.isInputFormatted = 1; // The input is a buffer of its own, which is read only.
    configuration.inputBufferSize = &plan->bytes;
    configuration.bufferSize = &plan->bytes;
    VkFFTApplication *application = &plan->application;
    TRY_VKFFT(initializeVkFFT(application, configuration));
    plan->is_initialized = true;

    VkBufferUsageFlags usage =
        VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    TRY_VKFFT(allocateBufferVulkan(application, &plan->input, &plan->input_memory, usage, local, plan->bytes));
    TRY_VKFFT(allocateBufferVulkan(application, &plan->output, &plan->output_memory, usage, local, plan->bytes));
    TRY_VKFFT(VkFFT_TransferDataFromCPU(application, const_cast<float *>(values), &plan->input, plan->bytes));

    VkCommandBufferAllocateInfo commands{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    commands.commandPool = engine->pool;
    commands.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    commands.commandBufferCount = 1;
    TRY(vkAllocateCommandBuffers(engine->device, &commands, &plan->commands));
    VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    TRY(vkBeginCommandBuffer(plan->commands, &begin));
    VkFFTLaunchParams launch{};
    launch.commandBuffer = &plan->commands;
    launch.inputBuffer = &plan->input;
    launch.buffer = &plan->output;
    TRY_VKFFT(VkFFTAppend(application, -1, &launch));
    TRY(vkEndCommandBuffer(plan->commands));
    return nullptr;
}

// Returns when the device is done.
const char *vkfft_run(Plan *plan) {
    Engine *engine = plan->engine;
    VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO};
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &plan->commands;
    TRY(vkQueueSubmit(engine->queue, 1, &submit, engine->fence));
    TRY(vkWaitForFences(engine->device, 1, &engine->fence, VK_TRUE, UINT64_MAX));
    TRY(vkResetFences(engine->device, 1, &engine->fence));
    return nullptr;
}

const char *vkfft_read(Plan *plan, float *values) {
    TRY_VKFFT(VkFFT_TransferDataToCPU(&plan->application, values, &plan->output, plan->bytes));
    return nullptr;
}

void vkfft_drop(Plan *plan) {
    if (!plan) return;
    VkDevice device = plan->engine->device;
    if (plan->commands) vkFreeCommandBuffers(device, plan->engine->pool, 1, &plan->commands);
    if (plan->is_initialized) deleteVkFFT(&plan->application);
    vkDestroyBuffer(device, plan->input, nullptr);
    vkDestroyBuffer(device, plan->output, nullptr);
    vkFreeMemory(device, plan->input_memory, nullptr);
    vkFreeMemory(device, plan->output_memory, nullptr);
    delete plan;
}

void vkfft_close(Engine *engine) {
    if (!engine) return;
    if (engine->device) {
        vkDestroyFence(engine->device, engine->fence, nullptr);
        vkDestroyCommandPool(engine->device, engine->pool, nullptr);
        vkDestroyDevice(engine->device, nullptr);
    }
    if (engine->has_compiler) glslang_finalize_process();
    if (engine->instance) vkDestroyInstance(engine->instance, nullptr);
    delete engine;
}

} // extern "C"
